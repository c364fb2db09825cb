#include "maze/actors/node_home.hpp"

#include "maze/actors/lane_host.hpp"
#include "maze/actors/log_reader.hpp"
#include "maze/actors/node_agent.hpp"
#include "maze/actors/run_queue.hpp"
#include "maze/actors/type_ids.hpp"
#include "maze/actors/worker.hpp"
#include "maze/core/ensure.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/run_sources.hpp"
#include "maze/sandbox/init_process.hpp"
#include "maze/sandbox/trial.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>

namespace maze::actors {

namespace {

core::result<io::unique_fd> lock_folder(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  io::unique_fd out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!out)
    return core::fail(io::errno_error(fmt::format("open {}", path.string()), errno));
  if (::flock(out.get(), LOCK_EX | LOCK_NB) != 0)
    return core::fail(core::errc::already_exists,
                      fmt::format("{} belongs to a maze-node that is running: choose another "
                                  "--name, or another --dir",
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

/// Of the user ids of a node, the one that task libraries are read under: beyond those of the slots, two
/// for each of `core::node_slots::options::slots_max`.
constexpr std::uint32_t reader_user = 1 << 14;

/// The first one of warm children.
constexpr std::uint32_t warm_user = reader_user + 1;

base_environment environment_of(const node_settings& settings) {
  base_environment out = base_environment::of_this_process(settings.passed_variables);
  out.gpus = settings.gpus;
  return out;
}

lane_host_setup lanes_of(const node_home& home, const node_settings& settings) {
  lane_host_setup out{.launcher = home.launcher,
                      .log = home.log,
                      .environment = environment_of(settings),
                      .programs = home.programs,
                      .trusted = settings.trusted,
                      .containers = home.containers,
                      .first_user = settings.first_user,
                      .sandbox_min = settings.sandbox_min,
                      .offers = home.offers(settings),
                      .stop_grace = settings.stop_grace,
                      .stopping = home.stopping.get_token()};
  if (out.first_user)
    *out.first_user += warm_user;
  return out;
}

using trial = std::shared_future<core::result<void>>;

std::optional<sandbox::child_user> first_user(const node_settings& settings) {
  if (!settings.first_user)
    return std::nullopt;
  return sandbox::child_user{*settings.first_user, *settings.first_user};
}

/// Better no node than one that gives its tasks less than its owner wants.
core::result<void> check_minimum(const node_settings& settings, sandbox::launcher& launcher,
                                 const trial& sealed) {
  if (settings.sandbox_min < core::sandbox_level::seccomp)
    return {};
  if (settings.sandbox_min > core::sandbox_level::seccomp)
    return core::fail(core::errc::unsupported_operation,
                      "level container is for tasks to ask for, who know their images: the minimum "
                      "of a node is `seccomp`, or less",
                      "start");
  if (!settings.first_user && ::geteuid() == 0)
    return core::fail(core::errc::unsupported_operation,
                      "level seccomp for every task needs users for them: a node that is root has "
                      "to run with --task-user slot",
                      "start");
  const bool tried = settings.sandbox_min == core::sandbox_level::seccomp && sealed.valid();
  if (auto works = tried ? sealed.get()
                         : sandbox::try_level(launcher, settings.sandbox_min, first_user(settings));
      !works)
    return core::fail(core::errc::unsupported_operation,
                      fmt::format("this machine cannot give every task level {}: {}; "
                                  "`maze-node doctor` says what to do",
                                  core::to_string(settings.sandbox_min), works.error().message),
                      "start");
  return {};
}

std::filesystem::path images_of(const node_settings& settings) {
  return std::filesystem::absolute(settings.image_folder.empty() ? settings.folder / "images"
                                                                 : settings.image_folder);
}

} // namespace

core::result<std::unique_ptr<node_home>> node_home::open(const node_settings& settings,
                                                         std::shared_ptr<io::log> log) {
  auto out = std::make_unique<node_home>();
  out->folder = settings.folder;
  out->log = std::move(log);
  if (auto made = io::make_folders(out->folder, 0711); !made)
    return core::fail(made.error());
  if (settings.first_user)
    if (auto reached = check_reach(out->folder); !reached)
      return core::fail(reached.error());
  auto locked = lock_folder(out->folder);
  if (!locked)
    return core::fail(locked.error());
  out->lock = std::move(*locked);
  if (auto made = io::make_folders(out->folder / "runs", 0711); !made)
    return core::fail(made.error());
  auto store = io::blob_store::open(
      out->folder / "store", {.durable = settings.durable, .claim_life = settings.claim_life});
  if (!store)
    return core::fail(store.error());
  out->blobs = std::move(*store);
  if (settings.trusted)
    out->log->event(io::log_level::info, "only trusted code is loaded",
                    {{"sums", std::to_string(settings.trusted->size())}});
  if (auto stocked = out->stock(settings.libraries); !stocked)
    return core::fail(stocked.error());
  auto init = settings.init_executable.empty()
                  ? sandbox::default_init_executable()
                  : core::result<std::filesystem::path>(settings.init_executable);
  if (!init)
    return core::fail(init.error());
  out->programs = host_programs::beside(*init);
  auto started = sandbox::launcher::start(out->events.context(),
                                          {.executable = *init,
                                           .programs = out->programs.all(),
                                           .open_files = settings.child_open_files,
                                           .scratch = std::filesystem::absolute(out->folder)});
  if (!started)
    return core::fail(started.error());
  out->launcher = std::move(*started);
  out->try_sealed(settings);
  if (auto able = check_minimum(settings, *out->launcher, out->sealed_); !able)
    return core::fail(able.error());
  if (auto engine = sandbox::find_engine(sandbox::engine_search::of_this_machine()))
    out->containers = std::make_shared<container_service>(
        std::move(*engine), out->launcher, out->events.context(),
        container_service::options{.enter = init->parent_path() / "maze-enter",
                                   .images = {.reader = init->parent_path() / "maze-image",
                                              .size_max = settings.image_size,
                                              .records = images_of(settings),
                                              .age_max = settings.image_age},
                                   .programs = out->programs,
                                   .owner = std::filesystem::absolute(out->folder).native()});
  std::optional<sandbox::child_user> reader;
  if (settings.first_user)
    reader =
        sandbox::child_user{*settings.first_user + reader_user, *settings.first_user + reader_user};
  out->libraries = std::make_shared<library_catalogue>(
      out->launcher, out->blobs,
      library_catalogue::options{.programs = out->programs,
                                 .user = reader,
                                 .log = out->log,
                                 .trusted = settings.trusted,
                                 .level_min = settings.sandbox_min});
  return out;
}

void node_home::try_sealed(const node_settings& settings) {
  // Root itself cannot be sealed.
  if (settings.works && launcher->can().sealed && (settings.first_user || ::geteuid() != 0))
    sealed_ =
        sandbox::begin_trial(*launcher, core::sandbox_level::seccomp, first_user(settings)).share();
}

core::sandbox_offer node_home::offers(const node_settings& settings) const {
  return {.sealed = sealed_.valid() && sealed_.get().has_value(),
          .cpu_shares = launcher->can().cpu_share_groups,
          .container = containers && (settings.first_user || ::geteuid() != 0),
          .variables = settings.passed_variables,
          .permissions = settings.permitted};
}

core::result<void> node_home::stock(const std::filesystem::path& own_libraries) {
  if (own_libraries.empty())
    return {};
  auto left_out = io::stock_libraries(own_libraries, *blobs);
  if (!left_out)
    return core::fail(left_out.error());
  for (const std::string& each : *left_out)
    log->event(io::log_level::warning, "a library of this node is not used", {{"reason", each}});
  return {};
}

local_agent_actor spawn_agent(caf::actor_system& system, const node_home& home,
                              const node_settings& settings, const agent_neighbours& neighbours) {
  core::ensure(settings.gpus.ids.size() == settings.total.gpus, "every GPU of a node has an id");
  core::node_slots::options slots{.total = settings.total};
  if (settings.children_max)
    slots.slots_max = *settings.children_max;
  const sandbox::capabilities& can = home.launcher->can();
  auto services = std::make_shared<const worker_services>(
      worker_services{.launcher = home.launcher,
                      .log = home.log,
                      .environment = environment_of(settings),
                      .first_user = settings.first_user,
                      .sandbox_min = settings.sandbox_min,
                      .offers = home.offers(settings),
                      .stop_grace = settings.stop_grace,
                      .filter = {io::default_ignores()},
                      .stopping = home.stopping.get_token(),
                      .runs_root = home.folder / "runs",
                      .programs = home.programs,
                      .trusted = settings.trusted,
                      .containers = home.containers});
  lane_host_actor lanes;
  // A broker, which only a node that meets others can have.
  if (system.has_middleman())
    lanes = caf::actor_cast<lane_host_actor>(
        system.middleman().spawn_broker(lane_host, lanes_of(home, settings)));
  return system.spawn(
      node_agent,
      node_agent_setup{
          .slots = slots,
          .scheduler = neighbours.scheduler,
          .registry = neighbours.registry,
          .spawn_worker =
              [services, where = &system](core::slot_id slot, const local_agent_actor& owner) {
                return where->spawn<caf::detached>(worker, worker_setup{slot, owner, services});
              },
          .lanes = lanes,
          .blobs = home.blobs,
          .files = neighbours.files,
          .runs_root = home.folder / "runs",
          .overlay = settings.first_user ? can.idmapped_overlay : can.overlay,
          .logs = system.spawn<caf::detached>(log_reader, home.folder / "runs", home.log),
          .labels = settings.labels,
          .run_over =
              [containers = home.containers](core::run_id run) {
                if (containers)
                  containers->dismiss(core::to_string(run));
              },
          .log = home.log});
}

node_config::node_config(bool meets_others) {
  if (meets_others) {
    load<caf::io::middleman>();
    set("middleman.workers", std::size_t{0});
  }
  actors::add_message_types(*this);
  load<run_queue_scheduler>();
  // Decisions are cheap; on few cores a second thread costs more in wake-ups than it carries.
  set("scheduler.max-threads",
      std::clamp<std::size_t>(std::thread::hardware_concurrency() / 4, 1, 4));
}

std::uint64_t random_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

} // namespace maze::actors
