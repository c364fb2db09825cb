#include "maze/actors/worker_node.hpp"

#include "maze/actors/blob_mover.hpp"
#include "maze/actors/errors.hpp"
#include "maze/actors/file_sync.hpp"
#include "maze/actors/uplink.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <future>
#include <thread>

namespace maze::actors {

namespace {

/// Grows from start to start, without a file to keep it in, and past other processes of the same name.
std::uint64_t clock_incarnation(std::uint64_t last) {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return std::max(last + 1, static_cast<std::uint64_t>(now));
}

} // namespace

struct worker_node::data {
  std::unique_ptr<node_home> home;
  worker_roads roads;
  node_config config{true};
  std::unique_ptr<caf::actor_system> system;
  file_sync_actor files;
  uplink_actor up;
  local_agent_actor agent;
  /// Kept once whoever watched the uplink has been told of its end.
  std::shared_ptr<std::promise<void>> up_ended = std::make_shared<std::promise<void>>();

  void spawn(const node_settings& settings);
  void end();
};

void worker_node::data::spawn(const node_settings& settings) {
  system = std::make_unique<caf::actor_system>(config);
  files = system->spawn<caf::detached>(
      file_sync,
      file_sync_setup{
          .blobs = home->blobs,
          .spawn_mover =
              [this](core::node_id holder, const std::string& endpoint,
                     const file_sync_actor& owner) {
                return system->spawn<caf::detached>(
                    blob_mover,
                    blob_mover_setup{
                        .holder = holder,
                        .connect = [this, endpoint] { return roads.connect_bulk(endpoint); },
                        .blobs = home->blobs,
                        .owner = owner});
              },
          .master = roads.master,
          .log = home->log,
          .limits = {}});
  core::link::options link = settings.link;
  // It is the master that decides when a closed connection is one too long.
  link.reconnect = link.lease;
  up =
      system->spawn<caf::detached>(uplink, uplink_setup{.who = {.name = settings.name,
                                                                .total = settings.total,
                                                                .labels = settings.labels,
                                                                .incarnation = clock_incarnation(0),
                                                                .offers = home->offers(settings)},
                                                        .next_incarnation = clock_incarnation,
                                                        .blobs = roads.own,
                                                        .link = link,
                                                        .dial = roads.dial,
                                                        .on_end = roads.on_end,
                                                        .files = files,
                                                        .log = home->log});
  // CAF tells the latest watcher first, so this comes last.
  caf::actor_cast<caf::abstract_actor*>(up)->attach_functor(
      [ended = up_ended] { ended->set_value(); });
  agent = spawn_agent(*system, *home, settings, {up, up, files});
  caf::anon_send(up, serve_agent{agent});
}

worker_node::worker_node(std::unique_ptr<data> state) : data_(std::move(state)) {}

core::result<std::unique_ptr<worker_node>> worker_node::start(const node_settings& settings,
                                                              worker_roads roads,
                                                              std::shared_ptr<io::log> log) {
  auto state = std::make_unique<data>();
  state->roads = std::move(roads);
  auto home = node_home::open(settings, std::move(log));
  if (!home)
    return core::fail(home.error());
  state->home = std::move(*home);
  state->spawn(settings);
  return std::unique_ptr<worker_node>(new worker_node(std::move(state)));
}

/// CAF's broker watches the uplink for the master. Its system waits for ever for an actor with a thread
/// of its own whose end the broker was told and has not read when it stops.
void worker_node::data::end() {
  for (const auto& each : {caf::actor_cast<caf::actor>(agent), caf::actor_cast<caf::actor>(up),
                           caf::actor_cast<caf::actor>(files)})
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  agent = nullptr;
  up = nullptr;
  files = nullptr;
  up_ended->get_future().wait();
  caf::scoped_actor self{*system};
  self->request(basp(*system), std::chrono::seconds(10), caf::get_atom::value, system->node())
      .receive([](const caf::node_id&, const std::string&, std::uint16_t) {},
               [](const caf::error&) {});
}

worker_node::~worker_node() {
  drain(std::chrono::seconds(30));
  data_->end();
  data_->system.reset();
}

uplink_status worker_node::status() const {
  uplink_status out;
  caf::scoped_actor self{*data_->system};
  self->request(data_->up, std::chrono::seconds(10), ask_uplink{})
      .receive([&](const uplink_status& told) { out = told; }, [](const caf::error&) {});
  return out;
}

sync_traffic worker_node::traffic() const {
  sync_traffic out;
  caf::scoped_actor self{*data_->system};
  self->request(data_->files, std::chrono::seconds(10), ask_traffic{})
      .receive([&](const sync_traffic& told) { out = told; }, [](const caf::error&) {});
  return out;
}

bool worker_node::await_admission(std::chrono::milliseconds patience) const {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!status().connected) {
    if (std::chrono::steady_clock::now() >= until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

bool worker_node::drain(std::chrono::milliseconds patience) {
  data_->home->stopping.request_stop();
  bool idle = false;
  caf::scoped_actor self{*data_->system};
  // First, so that what is stopped here goes on elsewhere.
  self->request(data_->up, patience, leave_cluster{})
      .receive([](bool) {}, [](const caf::error&) {});
  self->request(data_->agent, patience, drain_node{})
      .receive([&](bool) { idle = true; }, [](const caf::error&) {});
  return idle;
}

const std::shared_ptr<io::blob_store>& worker_node::shared_blobs() const noexcept {
  return data_->home->blobs;
}

} // namespace maze::actors
