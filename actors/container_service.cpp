#include "maze/actors/container_service.hpp"

#include "maze/actors/container_input.hpp"
#include "maze/actors/container_outcome.hpp"
#include "maze/actors/container_start.hpp"
#include "maze/actors/container_words.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/enter_block.hpp"
#include "maze/sandbox/policy.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <random>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace maze::actors {

namespace {

std::string random_word() {
  std::random_device draw;
  return fmt::format("{:08x}{:08x}", draw(), draw());
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

} // namespace

container_service::container_service(sandbox::container_engine engine,
                                     std::shared_ptr<sandbox::launcher> launcher,
                                     boost::asio::io_context& context, options settings)
    : engine_(std::move(engine)),
      launcher_(std::move(launcher)),
      context_(context),
      settings_(std::move(settings)),
      pool_(std::make_shared<container_pool>(context, launcher_, settings_.pool)),
      prefix_(sandbox::container_prefix(::getpid(), random_word())) {}

container_service::~container_service() {
  pool_->close();
  if (last_ > 0)
    run_to_end({"/bin/sh", "-c", sandbox::farewell_script(engine_, settings_.owner, group())});
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
  // Without a user of its own a task could not be told from what stays.
  const bool shared =
      request.sandbox.reuse.value_or(false) && !request.tenant.empty() && request.user;
  auto child = shared ? pass_on(request) : contain(request);
  if (!child)
    return core::fail(child.error());
  // The launcher holds on to this as long as the child lives, and must not be held on to by it.
  return launcher_->launch(
      std::move(request), [own = weak_from_this(), child = std::move(*child),
                           done = std::move(done)](sandbox::exit_report report) mutable {
        child.hold.reset();
        const auto self = own.lock();
        if (self && child.standing) {
          auto place = std::move(child.standing);
          if (!report.isolation.began) {
            // It never was in there, and its node counts on hearing of that before the end of the one before it.
            self->pool_->give_back(std::move(place), [](const auto*) {});
            return done(std::move(report));
          }
          return self->pool_->give_back(std::move(place),
                                        [own, child = std::move(child), done = std::move(done),
                                         report = std::move(report)](const auto* gone) mutable {
                                          if (const auto alive = own.lock())
                                            alive->finish_passed(child, gone, report);
                                          done(std::move(report));
                                        });
        }
        if (self)
          self->finish(child, report);
        done(std::move(report));
      });
}

core::result<container_service::inside>
container_service::prepare(sandbox::launch_request& request) {
  if (!request.user && ::geteuid() == 0)
    return core::fail(core::errc::permission_denied,
                      "a node that is root gives level container only to users of their own: run "
                      "it with --task-user slot",
                      "launch");
  auto words = words_inside(std::move(request.argv), settings_.programs);
  if (!words)
    return core::fail(words.error());
  auto filter = filters_.get(sandbox::syscalls_of(request.sandbox));
  auto program = filter ? io::read_all((*filter)->get(), sandbox::enter::block_size_max)
                        : tl::unexpected(filter.error());
  if (!program)
    return core::fail(program.error());
  return inside{std::move(*words), std::move(*program)};
}

core::result<container_service::contained_child>
container_service::contain(sandbox::launch_request& request) {
  auto own = prepare(request);
  if (!own)
    return core::fail(own.error());
  contained_child out;
  out.program = own->words.argv.front();
  out.isolation = isolation_of(request);
  const int report_fd = first_inherited + static_cast<int>(request.inherited.size());
  auto report = make_report_file();
  if (!report)
    return core::fail(report.error());
  out.report = std::move(*report);
  request.inherited.push_back(out.report);
  auto start = make_container_start(request, own->words.mounts, settings_.enter, settings_.owner,
                                    settings_.images.records);
  if (!start)
    return core::fail(start.error());
  auto command = command_of(*start, first_inherited + static_cast<int>(request.inherited.size()));
  if (!command)
    return core::fail(command.error());
  out.name = std::move(start->name);
  out.image = std::move(start->image.name);
  auto input = make_container_input(
      context_,
      encode(take_block(request, std::move(own->words.argv), std::move(own->filter), report_fd)));
  if (!input)
    return core::fail(input.error());
  out.hold = std::move(input->hold);
  request.inherited.push_back(std::move(input->inner));
  request.argv = std::move(*command);
  become_engines(request);
  return out;
}

core::result<container_service::contained_child>
container_service::pass_on(sandbox::launch_request& request) {
  auto own = prepare(request);
  if (!own)
    return core::fail(own.error());
  auto report = make_report_file();
  if (!report)
    return core::fail(report.error());
  auto start = make_standing_start(request, own->words.mounts, settings_.enter, settings_.owner,
                                   settings_.images.records);
  if (!start)
    return core::fail(start.error());
  const auto task_user = request.user;
  const bool has_folder = request.working_directory != "/";
  auto kind = sandbox::run_command(engine_, *start);
  if (!kind)
    return core::fail(kind.error());
  const std::string program = own->words.argv.front();
  auto input = make_container_input(context_, encode(take_block(request, std::move(own->words.argv),
                                                                std::move(own->filter), -1)));
  if (!input)
    return core::fail(input.error());
  contained_child out;
  out.program = program;
  out.isolation = isolation_of(request);
  out.image = start->image.name;
  auto place = pool_->take(
      request.tenant, sandbox::shell_words(*kind),
      [this, &start](const shared_fd& line) { return begin_standing(std::move(*start), line); });
  if (!place)
    return core::fail(place.error());
  out.standing = std::move(*place);
  out.hold = std::move(input->hold);
  out.report = std::move(*report);
  const int first = first_inherited + static_cast<int>(request.inherited.size());
  for (auto& each : {out.report, input->inner, container_pool::line_of(out.standing)})
    request.inherited.push_back(each);
  request.argv = {settings_.enter.native(),       "pass",
                  std::to_string(first + 2),      std::to_string(first),
                  std::to_string(first + 1),      std::to_string(task_user->uid),
                  std::to_string(task_user->gid), has_folder ? "own" : "none"};
  become_engines(request);
  return out;
}

core::result<container_pool::beginning>
container_service::begin_standing(sandbox::container_start start, const shared_fd& line) {
  auto command = command_of(start, -1);
  if (!command)
    return core::fail(command.error());
  return container_pool::beginning{
      {.argv = std::move(*command),
       .environment = engine_environment(),
       .working_directory = "/",
       .sandbox = {.level = core::sandbox_level::none},
       .inherited = {line}},
      [own = weak_from_this(), name = start.name, image = start.image.name](const auto& report) {
        if (const auto self = own.lock())
          self->end_standing(name, image, report);
      }};
}

core::result<std::vector<std::string>>
container_service::command_of(sandbox::container_start& start, int input) {
  // As long as it is open, nobody removes the image.
  const int lock_fd = input >= 0 ? input + 1 : first_inherited + static_cast<int>(start.inherited);
  // It begins where the task does, which is what others look at while it runs.
  std::string script = "cd /; ";
  {
    const std::lock_guard lock(mutex_);
    // Of a node of before that was killed together with what cleans up after it.
    if (!std::exchange(swept_, true))
      run_script(fmt::format("for each in {}/*; do case $each in */{}*) ;; *) rm -rf \"$each\" ;; "
                             "esac; done; {}; {}",
                             sandbox::shell_words({scratch_of({}).parent_path()}), prefix_,
                             sandbox::sweep_script(engine_, settings_.owner, prefix_),
                             sandbox::image_sweep_script(engine_, settings_.images)));
    start.name = prefix_ + std::to_string(++last_);
    start.group = group();
    script += "exec </dev/null; "
              + sandbox::image_script(engine_, start.image, settings_.images,
                                      {.scratch = scratch_of(start.name),
                                       .lock = lock_fd,
                                       .known = ready_.contains(start.image.name)});
  }
  if (!sandbox::hands_descriptors_on(engine_)) {
    start.door = scratch_of(start.name);
    script += fmt::format("mkdir -p -m 700 {} || exit {}; ", sandbox::shell_words({start.door}),
                          sandbox::container_refused);
  }
  auto command = sandbox::run_command(engine_, start);
  if (!command)
    return core::fail(command.error());
  if (!start.door.empty())
    command->insert(command->begin(),
                    {settings_.enter.native(), "door", start.door.native(),
                     std::to_string(first_inherited + static_cast<int>(start.inherited))});
  script += "exec " + sandbox::shell_words(*command);
  if (input >= 0)
    script += fmt::format(" <&{0} {0}<&-", input);
  return std::vector<std::string>{"/bin/sh", "-c", std::move(script)};
}

void container_service::run_script(std::string script) {
  launcher_->launch({.argv = {"/bin/sh", "-c", std::move(script)},
                     .environment = engine_environment(),
                     .working_directory = "/",
                     .sandbox = {.level = core::sandbox_level::none}},
                    [](const auto&) {});
}

std::filesystem::path container_service::scratch_of(const std::string& container) const {
  return std::filesystem::path(settings_.owner) / "arriving" / container;
}

void container_service::finish(const contained_child& child, sandbox::exit_report& report) {
  using sandbox::exit_cause;
  if (report.cause == exit_cause::setup_failed || report.cause == exit_cause::withdrawn)
    return;
  const auto told = read_report(child.report);
  const bool ended = report.cause == exit_cause::exited;
  // Whatever began leaves a report, where it can.
  const bool refused = ended && !told;
  {
    const std::lock_guard lock(mutex_);
    if (refused)
      ready_.erase(child.image);
    else if (ended)
      ready_.insert(child.image);
  }
  report.isolation = child.isolation;
  tell_end(told, child.program, to_string(engine_.kind), report);
  // Else the engine's program has removed it.
  if (!ended || refused)
    remove(child.name);
}

void container_service::finish_passed(const contained_child& child,
                                      const sandbox::exit_report* gone,
                                      sandbox::exit_report& report) {
  using sandbox::exit_cause;
  if (report.cause == exit_cause::setup_failed || report.cause == exit_cause::withdrawn)
    return;
  const auto told = read_report(child.report);
  if (told) {
    const std::lock_guard lock(mutex_);
    ready_.insert(child.image);
  } else if (gone != nullptr && report.cause == exit_cause::exited) {
    // What kept the container from beginning was said to the engine's program.
    report.standard_error = gone->standard_error;
  }
  report.isolation = child.isolation;
  tell_end(told, child.program, to_string(engine_.kind), report);
}

void container_service::end_standing(const std::string& name, const std::string& image,
                                     const sandbox::exit_report& report) {
  if (report.cause == sandbox::exit_cause::exited && report.exit_code == 0)
    return;
  {
    const std::lock_guard lock(mutex_);
    ready_.erase(image);
  }
  remove(name);
}

void container_service::remove(const std::string& container) {
  run_script(fmt::format("rm -rf {}; {}", sandbox::shell_words({scratch_of(container)}),
                         sandbox::removal_script(engine_, {container})));
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
