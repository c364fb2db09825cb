#include "maze/actors/local_node.hpp"

#include "maze/actors/document_reader.hpp"
#include "maze/actors/errors.hpp"
#include "maze/actors/journal_keeper.hpp"
#include "maze/actors/master.hpp"
#include "maze/actors/node_gate.hpp"
#include "maze/actors/reclaimer.hpp"
#include "maze/actors/registry.hpp"
#include "maze/actors/run_document.hpp"
#include "maze/actors/scheduler.hpp"
#include "maze/actors/session_gate.hpp"
#include "maze/io/journal.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace maze::actors {

namespace {

/// Makes the number of this start durable; attempt tokens carry it.
core::result<std::uint64_t> begin_epoch(io::journal& journal, std::uint64_t incarnation) {
  std::uint64_t epoch = 0;
  auto reader = journal.read_from(1);
  if (!reader)
    return core::fail(reader.error());
  for (;;) {
    auto row = reader->next();
    if (!row)
      return core::fail(row.error());
    if (!*row)
      break;
    auto event = core::decode_journal_event((*row)->body);
    if (!event)
      return core::fail(event.error());
    if (const auto* started = std::get_if<core::master_started>(&*event))
      epoch = std::max(epoch, started->epoch);
  }
  const core::journal_event fact = core::master_started{
      epoch + 1, incarnation, std::chrono::system_clock::now().time_since_epoch()};
  const io::journal_row row{.kind = core::kind_of(fact), .body = core::encode_journal_event(fact)};
  if (auto kept = journal.append({&row, 1}); !kept)
    return core::fail(kept.error());
  if (auto kept = journal.commit(); !kept)
    return core::fail(kept.error());
  return epoch + 1;
}

/// Nothing may go on that the disk has refused to remember.
[[noreturn]] void give_up(io::log& log, const core::error& failed) {
  const std::string reason = core::describe(failed);
  log.event(io::log_level::error, "the journal cannot be written", {{"reason", reason}});
  // The log may lie on the same disk.
  std::fprintf(stderr, "maze-node: the journal cannot be written, so the run ends here: %s\n",
               reason.c_str());
  std::_Exit(1);
}

} // namespace

struct local_node::data {
  std::unique_ptr<node_home> home;
  std::shared_ptr<io::journal> journal;
  std::optional<node_config> config;
  std::unique_ptr<caf::actor_system> system;
  journal_actor keeper;
  registry_actor runs;
  scheduler_actor planner;
  reclaimer_actor sweeper;
  master_actor head;
  local_agent_actor agent;
  document_actor documents;
  session_actor gate;
  local_gate_actor door;
  std::shared_ptr<admission_book> admissions = std::make_shared<admission_book>();
  std::optional<inbound_door> clients;
  std::optional<inbound_door> workers;

  core::result<void> spawn(const node_settings& settings);
  core::result<void> join(const node_settings& settings, std::uint64_t incarnation);
  void spawn_gates(const node_settings& settings);
};

core::result<void> local_node::data::spawn(const node_settings& settings) {
  const std::uint64_t seed = random_seed();
  // Without a journal nothing is left of an earlier start.
  const auto epoch = journal ? begin_epoch(*journal, seed) : core::result<std::uint64_t>(1);
  if (!epoch)
    return core::fail(epoch.error());
  config.emplace(settings.serves.has_value() || settings.warm_children);
  system = std::make_unique<caf::actor_system>(*config);
  if (journal)
    keeper = system->spawn<caf::detached>(
        journal_keeper,
        journal_keeper_setup{journal, home->blobs, [sink = home->log](const core::error& failed) {
                               give_up(*sink, failed);
                             }});
  runs = system->spawn(registry);
  // Enough that a slot never waits for a round trip.
  planner =
      system->spawn(scheduler, core::scheduler::options{.prefetch = 2, .prefetch_per_core = 2});
  core::graph_run::options run_settings;
  run_settings.epoch = *epoch;
  if (settings.claim_life.count() > 0)
    sweeper = system->spawn<caf::detached>(
        reclaimer,
        reclaimer_setup{.blobs = home->blobs, .log = home->log, .plan = {settings.claim_life}});
  std::function<call_hub_actor(call_hub_setup)> spawn_hub;
  // Hubs are brokers, which only a node that meets others can have.
  if (settings.serves)
    spawn_hub = [where = system.get()](call_hub_setup setup) {
      return caf::actor_cast<call_hub_actor>(
          where->middleman().spawn_broker(call_hub, std::move(setup)));
    };
  head = system->spawn(actors::master, master_setup{.seed = seed,
                                                    .run_settings = run_settings,
                                                    .scheduler = planner,
                                                    .journal = keeper,
                                                    .registry = runs,
                                                    .ended_runs_max = settings.ended_runs_max,
                                                    .reclaimer = sweeper,
                                                    .spawn_hub = std::move(spawn_hub)});
  if (settings.works)
    agent = spawn_agent(*system, *home, settings, {planner, runs, {}});
  if (settings.serves)
    spawn_gates(settings);
  return agent ? join(settings, seed) : core::result<void>();
}

core::result<void> local_node::data::join(const node_settings& settings,
                                          std::uint64_t incarnation) {
  caf::scoped_actor self{*system};
  core::result<void> joined;
  self->request(head, std::chrono::seconds(10),
                join_cluster{{.name = settings.name,
                              .total = settings.total,
                              .labels = settings.labels,
                              .incarnation = incarnation,
                              .offers = home->offers(settings)},
                             agent})
      .receive([](const node_admission&) {},
               [&](const caf::error& failed) { joined = core::fail(from_caf(failed)); });
  return joined;
}

void local_node::data::spawn_gates(const node_settings& settings) {
  const node_settings::clients& told = *settings.serves;
  const core::link::options& link = settings.link;
  documents = system->spawn<caf::detached>(
      document_reader, document_reader_setup{.blobs = home->blobs,
                                             .log = home->log,
                                             .libraries = home->libraries,
                                             .rules = {settings.policy, settings.permitted}});
  gate = system->spawn(
      session_gate,
      session_gate_setup{.name = told.cluster,
                         .version = told.version,
                         .started = std::chrono::system_clock::now().time_since_epoch(),
                         .master = head,
                         .scheduler = planner,
                         .documents = documents,
                         .admissions = admissions,
                         .permitted = settings.permitted,
                         .log = home->log,
                         .on_shut_down = told.on_shut_down});
  door = system->spawn(node_gate,
                       node_gate_setup{.master = head,
                                       .admissions = admissions,
                                       .spawn_link =
                                           [this, link](const core::node_application& who) {
                                             return system->spawn(
                                                 node_link, node_link_setup{.node_name = who.name,
                                                                            .labels = who.labels,
                                                                            .link = link,
                                                                            .master = head,
                                                                            .scheduler = planner,
                                                                            .blobs = home->blobs,
                                                                            .log = home->log});
                                           },
                                       .lease = link.lease});
  clients.emplace(*system, caf::actor_cast<caf::strong_actor_ptr>(gate), exported_to::clients);
  workers.emplace(*system, caf::actor_cast<caf::strong_actor_ptr>(door), exported_to::workers);
}

local_node::local_node(std::unique_ptr<data> state) : data_(std::move(state)) {}

core::result<std::unique_ptr<local_node>> local_node::start(const node_settings& settings,
                                                            std::shared_ptr<io::log> log) {
  auto state = std::make_unique<data>();
  auto home = node_home::open(settings, std::move(log));
  if (!home)
    return core::fail(home.error());
  state->home = std::move(*home);
  if (settings.durable) {
    auto journal = io::journal::open(settings.folder / "journal.sqlite");
    if (!journal)
      return core::fail(journal.error());
    state->journal = std::make_shared<io::journal>(std::move(*journal));
  }
  std::unique_ptr<local_node> out{new local_node(std::move(state))};
  if (auto spawned = out->data_->spawn(settings); !spawned)
    return core::fail(spawned.error());
  return out;
}

local_node::~local_node() {
  if (!data_->system)
    return;
  drain(std::chrono::seconds(30));
  const auto end = [](const auto& actor) {
    if (actor)
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  };
  end(data_->gate);
  end(data_->door);
  end(data_->documents);
  end(data_->agent);
  end(data_->head);
  end(data_->sweeper);
  end(data_->planner);
  end(data_->runs);
  end(data_->keeper);
  data_->clients.reset();
  data_->workers.reset();
  data_->gate = nullptr;
  data_->door = nullptr;
  data_->documents = nullptr;
  data_->agent = nullptr;
  data_->head = nullptr;
  data_->sweeper = nullptr;
  data_->planner = nullptr;
  data_->runs = nullptr;
  data_->keeper = nullptr;
  data_->system.reset();
}

bool local_node::drain(std::chrono::milliseconds patience) {
  if (!data_->agent)
    return true;
  data_->home->stopping.request_stop();
  bool idle = false;
  caf::scoped_actor self{*data_->system};
  self->request(data_->agent, patience, drain_node{})
      .receive([&](bool) { idle = true; }, [](const caf::error&) {});
  return idle;
}

caf::actor_system& local_node::system() noexcept { return *data_->system; }

const master_actor& local_node::master() const noexcept { return data_->head; }

void local_node::admit_client(authenticated_socket socket, const std::string& peer,
                              principal whose) {
  auto held = data_->admissions->enter(socket.ticket, std::move(whose));
  data_->clients->admit(std::move(socket), peer, std::move(held));
}

void local_node::admit_worker(authenticated_socket socket, const std::string& peer,
                              principal whose) {
  auto held = data_->admissions->enter(socket.ticket, std::move(whose));
  data_->workers->admit(std::move(socket), peer, std::move(held));
}

void local_node::dismiss_workers(std::chrono::milliseconds patience) {
  if (!data_->door)
    return;
  caf::scoped_actor self{*data_->system};
  self->request(data_->door, patience, end_node{}).receive([](bool) {}, [](const caf::error&) {});
}

core::result<std::shared_ptr<const std::string>>
local_node::run_document(std::string_view name) const {
  const auto run = run_of_document(name);
  if (!run)
    return core::fail(core::errc::not_found, fmt::format("there is no document '{}'", name));
  core::result<std::shared_ptr<const std::string>> out;
  caf::scoped_actor self{*data_->system};
  self->request(data_->runs, std::chrono::seconds(30), find_run{*run})
      .receive(
          [&](const run_bundle_ptr& bundle) {
            if (auto text = write_run_document(*bundle))
              out = std::make_shared<const std::string>(std::move(*text));
            else
              out = core::fail(text.error());
          },
          [&](const caf::error& failed) { out = core::fail(from_caf(failed)); });
  return out;
}

const std::shared_ptr<io::blob_store>& local_node::shared_blobs() const noexcept {
  return data_->home->blobs;
}

io::blob_store& local_node::blobs() noexcept { return *data_->home->blobs; }

library_catalogue& local_node::libraries() noexcept { return *data_->home->libraries; }

const std::filesystem::path& local_node::folder() const noexcept { return data_->home->folder; }

const sandbox::capabilities& local_node::can() const noexcept {
  return data_->home->launcher->can();
}

} // namespace maze::actors
