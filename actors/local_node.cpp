#include "maze/actors/local_node.hpp"

#include "maze/actors/document_reader.hpp"
#include "maze/actors/errors.hpp"
#include "maze/actors/journal_keeper.hpp"
#include "maze/actors/log_reader.hpp"
#include "maze/actors/master.hpp"
#include "maze/actors/node_agent.hpp"
#include "maze/actors/reactor.hpp"
#include "maze/actors/registry.hpp"
#include "maze/actors/scheduler.hpp"
#include "maze/actors/session_gate.hpp"
#include "maze/actors/type_ids.hpp"
#include "maze/actors/worker.hpp"
#include "maze/io/journal.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <stop_token>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>

namespace maze::actors {

namespace {

struct node_config : caf::actor_system_config {
  explicit node_config(bool serves_clients) {
    if (serves_clients) {
      load<caf::io::middleman>();
      set("middleman.workers", std::size_t{0});
    }
    actors::add_message_types(*this);
    // Wakes a sleeping thread at once instead of letting it poll: a tenth of the round trip.
    set("scheduler.policy", caf::atom("sharing"));
    // Decisions are cheap; on few cores a second thread costs more in wake-ups than it carries.
    set("scheduler.max-threads",
        std::clamp<std::size_t>(std::thread::hardware_concurrency() / 4, 1, 4));
  }
};

core::result<void> make_folder(const std::filesystem::path& folder, mode_t mode) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    return core::fail(
        io::errno_error(fmt::format("make folder {}", folder.string()), failed.value()));
  if (::chmod(folder.c_str(), mode) != 0)
    return core::fail(io::errno_error(fmt::format("set the mode of {}", folder.string()), errno));
  return {};
}

core::result<io::unique_fd> lock_folder(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  io::unique_fd out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!out)
    return core::fail(io::errno_error(fmt::format("open {}", path.string()), errno));
  if (::flock(out.get(), LOCK_EX | LOCK_NB) != 0)
    return core::fail(core::errc::already_exists,
                      fmt::format("{} belongs to a maze-node that is running: choose another --dir",
                                  folder.string()),
                      "start");
  return out;
}

/// Children under other users must be able to walk down to their views.
core::result<void> check_reach(const std::filesystem::path& folder) {
  for (auto at = std::filesystem::absolute(folder); at.has_relative_path(); at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0 && (info.st_mode & S_IXOTH) == 0)
      return core::fail(
          core::errc::permission_denied,
          fmt::format("tasks run under users of their own and cannot reach {} because {} "
                      "has mode {:04o}: choose another --dir, or --task-user same",
                      folder.string(), at.string(), info.st_mode & 07777U),
          "start");
  }
  return {};
}

std::uint64_t random_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

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
  std::filesystem::path folder;
  io::unique_fd lock;
  std::shared_ptr<io::log> log;
  std::shared_ptr<io::blob_store> blobs;
  std::shared_ptr<io::journal> journal;
  reactor events;
  std::shared_ptr<sandbox::launcher> launcher;
  std::stop_source stopping;
  std::optional<node_config> config;
  std::unique_ptr<caf::actor_system> system;
  journal_actor keeper;
  registry_actor runs;
  scheduler_actor planner;
  master_actor head;
  node_agent_actor agent;
  document_actor documents;
  session_actor gate;

  core::result<void> open(const node_settings& settings);
  core::result<void> spawn(const node_settings& settings);
  void spawn_gate(const node_settings::clients& told);
};

core::result<void> local_node::data::open(const node_settings& settings) {
  folder = settings.folder;
  if (auto made = make_folder(folder, 0711); !made)
    return made;
  if (settings.first_user)
    if (auto reached = check_reach(folder); !reached)
      return reached;
  auto locked = lock_folder(folder);
  if (!locked)
    return core::fail(locked.error());
  lock = std::move(*locked);
  if (auto made = make_folder(folder / "runs", 0711); !made)
    return made;
  auto store = io::blob_store::open(folder / "store", {.durable = settings.durable});
  if (!store)
    return core::fail(store.error());
  blobs = std::move(*store);
  auto opened = io::journal::open(folder / "journal.sqlite", {.durable = settings.durable});
  if (!opened)
    return core::fail(opened.error());
  journal = std::make_shared<io::journal>(std::move(*opened));
  auto started =
      sandbox::launcher::start(events.context(), {.executable = settings.init_executable,
                                                  .open_files = settings.child_open_files});
  if (!started)
    return core::fail(started.error());
  launcher = std::move(*started);
  return {};
}

core::result<void> local_node::data::spawn(const node_settings& settings) {
  const std::uint64_t seed = random_seed();
  const auto epoch = begin_epoch(*journal, seed);
  if (!epoch)
    return core::fail(epoch.error());
  config.emplace(settings.serves.has_value());
  system = std::make_unique<caf::actor_system>(*config);
  keeper = system->spawn<caf::detached>(
      journal_keeper,
      journal_keeper_setup{journal, blobs,
                           [sink = log](const core::error& failed) { give_up(*sink, failed); },
                           std::chrono::milliseconds(settings.durable ? 0 : 5)});
  runs = system->spawn(registry);
  // Enough that a slot never waits for a round trip.
  const std::uint32_t prefetch = 2 * std::max<std::uint32_t>(1, settings.total.cpu_millis / 1000);
  planner = system->spawn(scheduler, core::scheduler::options{.prefetch = prefetch});
  core::node_slots::options slots{.total = settings.total};
  if (settings.children_max)
    slots.slots_max = *settings.children_max;
  core::graph_run::options run_settings;
  run_settings.epoch = *epoch;
  head = system->spawn(actors::master, master_setup{seed, run_settings, planner, keeper, runs,
                                                    settings.ended_runs_max});
  const sandbox::capabilities& can = launcher->can();
  auto services = std::make_shared<const worker_services>(
      worker_services{.launcher = launcher,
                      .log = log,
                      .environment = base_environment::of_this_process(),
                      .first_user = settings.first_user,
                      .stop_grace = settings.stop_grace,
                      .filter = {io::default_ignores()},
                      .stopping = stopping.get_token(),
                      .runs_root = folder / "runs"});
  agent = system->spawn(
      node_agent,
      node_agent_setup{
          .slots = slots,
          .scheduler = planner,
          .registry = runs,
          .spawn_worker =
              [services, home = system.get()](core::slot_id slot, const node_agent_actor& owner) {
                return home->spawn<caf::detached>(worker, worker_setup{slot, owner, services});
              },
          .blobs = blobs,
          .runs_root = folder / "runs",
          .overlay = settings.first_user ? can.idmapped_overlay : can.overlay,
          .logs = system->spawn<caf::detached>(log_reader, folder / "runs", log),
          .labels = settings.labels});
  if (settings.serves)
    spawn_gate(*settings.serves);
  caf::scoped_actor self{*system};
  core::result<void> joined;
  self->request(head, std::chrono::seconds(10), join_cluster{settings.name, settings.total, agent})
      .receive([](core::node_id) {},
               [&](const caf::error& failed) { joined = core::fail(from_caf(failed)); });
  return joined;
}

void local_node::data::spawn_gate(const node_settings::clients& told) {
  documents = system->spawn<caf::detached>(document_reader, blobs, log);
  gate = system->spawn(
      session_gate,
      session_gate_setup{.name = told.cluster,
                         .version = told.version,
                         .started = std::chrono::system_clock::now().time_since_epoch(),
                         .master = head,
                         .documents = documents,
                         .log = log,
                         .on_shut_down = told.on_shut_down});
}

local_node::local_node(std::unique_ptr<data> state) : data_(std::move(state)) {}

core::result<std::unique_ptr<local_node>> local_node::start(const node_settings& settings,
                                                            std::shared_ptr<io::log> log) {
  auto state = std::make_unique<data>();
  state->log = std::move(log);
  if (auto opened = state->open(settings); !opened)
    return core::fail(opened.error());
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
  end(data_->documents);
  end(data_->agent);
  end(data_->head);
  end(data_->planner);
  end(data_->runs);
  end(data_->keeper);
  data_->gate = nullptr;
  data_->documents = nullptr;
  data_->agent = nullptr;
  data_->head = nullptr;
  data_->planner = nullptr;
  data_->runs = nullptr;
  data_->keeper = nullptr;
  data_->system.reset();
}

bool local_node::drain(std::chrono::milliseconds patience) {
  if (!data_->agent)
    return true;
  data_->stopping.request_stop();
  bool idle = false;
  caf::scoped_actor self{*data_->system};
  self->request(data_->agent, patience, drain_node{})
      .receive([&](bool) { idle = true; }, [](const caf::error&) {});
  return idle;
}

caf::actor_system& local_node::system() noexcept { return *data_->system; }

const master_actor& local_node::master() const noexcept { return data_->head; }

void local_node::admit_client(authenticated_socket socket) {
  adopt_inbound(*data_->system, std::move(socket),
                caf::actor_cast<caf::strong_actor_ptr>(data_->gate));
}

const std::shared_ptr<io::blob_store>& local_node::shared_blobs() const noexcept {
  return data_->blobs;
}

io::blob_store& local_node::blobs() noexcept { return *data_->blobs; }

const std::filesystem::path& local_node::folder() const noexcept { return data_->folder; }

const sandbox::capabilities& local_node::can() const noexcept { return data_->launcher->can(); }

} // namespace maze::actors
