#include "maze/actors/container_service.hpp"

#include "maze/actors/attempt_environment.hpp"
#include "maze/actors/container_input.hpp"
#include "maze/actors/container_outcome.hpp"
#include "maze/actors/container_words.hpp"
#include "maze/io/memory_file.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/enter_block.hpp"
#include "maze/sandbox/policy.hpp"
#include "maze/sandbox/shown_path.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace maze::actors {

namespace {

using shared_fd = std::shared_ptr<const io::unique_fd>;

/// The first descriptor behind the streams.
constexpr int first_inherited = 3;
constexpr std::uint64_t report_size_max = 4096;

std::string random_word() {
  std::random_device draw;
  return fmt::format("{:08x}{:08x}", draw(), draw());
}

std::vector<sandbox::enter::limit> limits_of(const core::sandbox_spec& spec) {
  std::vector<sandbox::enter::limit> out{{RLIMIT_CORE, 1}};
  const auto add = [&out](int resource, const std::optional<std::uint64_t>& value) {
    if (value)
      out.push_back({resource, *value});
  };
  const auto bytes = [](const std::optional<core::byte_count>& x) {
    return x ? std::optional(x->value) : std::nullopt;
  };
  add(RLIMIT_AS, bytes(spec.address_space));
  add(RLIMIT_FSIZE, bytes(spec.file_size));
  add(RLIMIT_NOFILE, spec.open_files);
  return out;
}

/// Of the environment that a task would have on the node, what goes over that of its image: programs lie elsewhere in there.
std::vector<std::string> without_path(std::vector<std::string> environment) {
  static const std::string here = "PATH=" + base_environment().path;
  std::erase(environment, here);
  return environment;
}

std::string from_process(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::string() : fmt::format("{}={}", name, text);
}

/// Runs a program in this process's own environment, and waits for it. What it prints is lost.
void run_to_end(std::vector<std::string> command) {
  std::vector<char*> words;
  for (std::string& each : command)
    words.push_back(each.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t streams;
  ::posix_spawn_file_actions_init(&streams);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&streams, stream, "/dev/null", O_RDWR, 0);
  pid_t pid = -1;
  if (::posix_spawn(&pid, words.front(), &streams, nullptr, words.data(), environ) == 0)
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  ::posix_spawn_file_actions_destroy(&streams);
}

/// Turns the paths that a task asks for into what they lead to: an engine goes by names, with the rights of root.
core::result<void> show_paths(sandbox::container_start& start) {
  for (const bool writable : {false, true})
    for (const std::string& path :
         std::exchange(writable ? start.sandbox.writable : start.sandbox.readable, {})) {
      auto real = sandbox::shown_path(path, start.user);
      if (!real)
        return core::fail(real.error());
      std::error_code failed;
      const auto kind = std::filesystem::status(*real, failed).type();
      if (kind == std::filesystem::file_type::character
          || kind == std::filesystem::file_type::block)
        start.devices.push_back(std::move(*real));
      else
        start.mounts.push_back({std::move(*real), path, writable});
    }
  return {};
}

/// What the engine's program itself needs: never a word of the task's.
std::vector<std::string> engine_environment() {
  std::vector<std::string> out{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const char* name : {"HOME", "DOCKER_HOST", "XDG_RUNTIME_DIR", "TMPDIR", "CONTAINERS_CONF",
                           "CONTAINERS_STORAGE_CONF"})
    if (auto text = from_process(name); !text.empty())
      out.push_back(std::move(text));
  return out;
}

} // namespace

container_service::container_service(sandbox::container_engine engine,
                                     std::shared_ptr<sandbox::launcher> launcher,
                                     boost::asio::io_context& context, options settings)
    : engine_(std::move(engine)),
      launcher_(std::move(launcher)),
      context_(context),
      settings_(std::move(settings)),
      prefix_(fmt::format("maze-{}-", random_word())) {}

container_service::~container_service() {
  for (const std::string& name : alive_)
    run_to_end({"/bin/sh", "-c", sandbox::removal_script(engine_, name)});
}

core::isolation container_service::isolation_of(const sandbox::launch_request& request) {
  using core::fence;
  const core::sandbox_spec& spec = request.sandbox;
  core::isolation out{.requested = spec.level, .began = true};
  for (const auto each :
       {fence::no_privileges, fence::limits, fence::processes, fence::root, fence::names,
        fence::syscalls, fence::memory, fence::process_count, fence::cpu_share, fence::container})
    out.add(each);
  if (request.user)
    out.add(fence::own_user);
  if (!spec.has_network())
    out.add(fence::network);
  if (spec.cpu_time)
    out.add(fence::cpu_time);
  return out;
}

core::result<sandbox::launch_id> container_service::launch(sandbox::launch_request request,
                                                           sandbox::launcher::completion done) {
  auto child = contain(request);
  if (!child)
    return core::fail(child.error());
  // The launcher holds on to this as long as the child lives, and must not be held on to by it.
  return launcher_->launch(std::move(request),
                           [own = weak_from_this(), child = std::move(*child),
                            done = std::move(done)](sandbox::exit_report report) mutable {
                             child.hold.reset();
                             if (const auto self = own.lock())
                               self->finish(child, report);
                             done(std::move(report));
                           });
}

core::result<container_service::contained_child>
container_service::contain(sandbox::launch_request& request) {
  const core::sandbox_spec spec = request.sandbox;
  if (!request.user && ::geteuid() == 0)
    return core::fail(core::errc::permission_denied,
                      "a node that is root gives level container only to users of their own: run "
                      "it with --task-user slot",
                      "launch");
  auto words = words_inside(std::move(request.argv), settings_.programs);
  if (!words)
    return core::fail(words.error());
  auto filter = filters_.get(sandbox::syscalls_of(spec));
  auto program = filter ? io::read_all((*filter)->get(), sandbox::enter::block_size_max)
                        : tl::unexpected(filter.error());
  if (!program)
    return core::fail(program.error());
  contained_child out;
  out.program = words->argv.front();
  out.isolation = isolation_of(request);
  const int report_fd = first_inherited + static_cast<int>(request.inherited.size());
  // Docker hands no descriptor on.
  if (engine_.kind == sandbox::engine_kind::podman) {
    auto report = io::make_memory_file("maze-report");
    if (!report)
      return core::fail(report.error());
    out.report = std::make_shared<const io::unique_fd>(std::move(*report));
    request.inherited.push_back(out.report);
  }
  auto command = command_of(request, words->mounts, out);
  if (!command)
    return core::fail(command.error());
  auto input = make_container_input(
      context_,
      encode(sandbox::enter::block{
          .argv = std::move(words->argv),
          .environment = without_path(std::move(request.environment)),
          .working_directory = request.working_directory.native(),
          .limits = limits_of(spec),
          .cpu_time = spec.cpu_time ? static_cast<std::uint64_t>(spec.cpu_time->count()) : 0,
          .filter = std::move(*program),
          .report = out.report ? report_fd : -1}));
  if (!input)
    return core::fail(input.error());
  out.hold = std::move(input->hold);
  request.inherited.push_back(std::move(input->inner));
  request.argv = std::move(*command);
  request.environment = engine_environment();
  request.user.reset();
  request.sandbox = {.level = core::sandbox_level::none, .wall_time = spec.wall_time};
  return out;
}

core::result<std::vector<std::string>>
container_service::command_of(const sandbox::launch_request& request,
                              const std::vector<sandbox::container_mount>& programs,
                              contained_child& child) {
  auto image = sandbox::image_of(request);
  if (!image)
    return core::fail(image.error());
  child.image = image->name;
  // It begins where the task does, which is what others look at while it runs.
  std::string script = "cd /; ";
  {
    const std::lock_guard lock(mutex_);
    // Of a node of before that was killed together with what cleans up after it.
    if (!std::exchange(swept_, true))
      run_script(fmt::format("for each in {}/*; do case $each in */{}*) ;; *) rm -rf \"$each\" ;; "
                             "esac; done; {}",
                             sandbox::shell_words({scratch_of({}).parent_path()}), prefix_,
                             sandbox::sweep_script(engine_, settings_.owner, prefix_)));
    child.name = prefix_ + std::to_string(++last_);
    alive_.insert(child.name);
    if (!ready_.contains(image->name))
      script += "exec </dev/null; "
                + sandbox::image_script(engine_, *image, settings_.images, scratch_of(child.name));
  }
  sandbox::container_start start{.name = child.name,
                                 .owner = settings_.owner,
                                 .image = std::move(*image),
                                 .user = request.user,
                                 .sandbox = request.sandbox,
                                 .mounts = {{settings_.enter, sandbox::container_enter, false}},
                                 .devices = {},
                                 .inherited = request.inherited.size(),
                                 .arguments = {}};
  start.mounts.insert(start.mounts.end(), programs.begin(), programs.end());
  if (request.working_directory != "/")
    start.mounts.push_back({request.working_directory, request.working_directory, true});
  if (auto shown = show_paths(start); !shown)
    return core::fail(shown.error());
  auto command = sandbox::run_command(engine_, start);
  if (!command)
    return core::fail(command.error());
  const auto input = first_inherited + request.inherited.size();
  script += fmt::format("exec {0} <&{1} {1}<&-", sandbox::shell_words(*command), input);
  return std::vector<std::string>{"/bin/sh", "-c", std::move(script)};
}

void container_service::run_script(std::string script, std::string removed) {
  launcher_->launch({.argv = {"/bin/sh", "-c", std::move(script)},
                     .environment = engine_environment(),
                     .working_directory = "/",
                     .sandbox = {.level = core::sandbox_level::none}},
                    [own = weak_from_this(), removed = std::move(removed)](const auto& report) {
                      const auto self = own.lock();
                      if (self && report.cause == sandbox::exit_cause::exited)
                        self->forget(removed);
                    });
}

std::filesystem::path container_service::scratch_of(const std::string& container) const {
  return std::filesystem::path(settings_.owner) / "arriving" / container;
}

void container_service::forget(const std::string& container) {
  const std::lock_guard lock(mutex_);
  alive_.erase(container);
}

void container_service::finish(const contained_child& child, sandbox::exit_report& report) {
  using sandbox::exit_cause;
  if (report.cause == exit_cause::setup_failed || report.cause == exit_cause::withdrawn)
    return forget(child.name);
  const auto bytes = child.report ? io::read_all(child.report->get(), report_size_max)
                                  : core::result<std::string>(std::string());
  const auto told = bytes ? sandbox::enter::decode_report(*bytes) : std::nullopt;
  const bool ended = report.cause == exit_cause::exited;
  // Whatever began leaves a report, where it can.
  const bool refused =
      ended && !told && (child.report || report.exit_code == sandbox::container_refused);
  {
    const std::lock_guard lock(mutex_);
    if (refused)
      ready_.erase(child.image);
    else if (ended)
      ready_.insert(child.image);
  }
  report.isolation = child.isolation;
  if (refused || told)
    tell_end(told, child.program, to_string(engine_.kind), report);
  if (ended && !refused)
    // The engine's program has removed it.
    forget(child.name);
  else
    run_script(fmt::format("rm -rf {}; {}", sandbox::shell_words({scratch_of(child.name)}),
                           sandbox::removal_script(engine_, child.name)),
               child.name);
}

core::result<sandbox::launch_id> launch_child(sandbox::launcher& launcher,
                                              const std::shared_ptr<container_service>& containers,
                                              sandbox::launch_request request,
                                              sandbox::launcher::completion done) {
  if (request.sandbox.level != core::sandbox_level::container)
    return launcher.launch(std::move(request), std::move(done));
  if (!containers)
    return core::fail(core::errc::unsupported_operation,
                      "this node has no container engine: `maze-node doctor` says what it lacks",
                      "launch");
  return containers->launch(std::move(request), std::move(done));
}

} // namespace maze::actors
