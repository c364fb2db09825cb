#include "maze/sandbox/messages.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/syscalls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <sys/wait.h>

namespace maze::sandbox {
namespace {

using core::errc;
using protocol::stage;

constexpr std::string_view request_origin = "launch:request";

core::result<void> refuse(std::string why) {
  return core::fail(errc::invalid_argument, std::move(why), std::string(request_origin));
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

core::result<void> check_texts(const launch_request& request) {
  if (request.argv.empty())
    return refuse("the command is empty: argv needs at least the program");
  for (const auto& x : request.argv)
    if (has_nul(x))
      return refuse(fmt::format("an argument of {} contains a NUL byte", request.argv[0].c_str()));
  for (const auto& x : request.environment)
    if (has_nul(x))
      return refuse(fmt::format("the environment entry {} contains a NUL byte", x.c_str()));
  if (has_nul(request.working_directory.native()) || request.working_directory.empty())
    return refuse("the working directory is empty or contains a NUL byte");
  return {};
}

core::result<void> check_overlay(const overlay_mount& x) {
  if (x.lower.empty())
    return refuse("the overlay has no lower layer");
  auto paths = x.lower;
  paths.insert(paths.end(), {x.upper, x.work, x.mount_point});
  for (const auto& path : paths)
    if (!path.is_absolute() || has_nul(path.native()))
      return refuse(fmt::format("the overlay's path '{}' is not absolute or contains a NUL byte",
                                path.c_str()));
  return {};
}

core::result<void> check(const launch_request& request) {
  if (auto outcome = check_texts(request); !outcome)
    return outcome;
  if (request.inherited.size() > inherited_max)
    return refuse(fmt::format("a child can be given {} descriptors, not {}", inherited_max,
                              request.inherited.size()));
  if (auto sound = core::check_sandbox(request.sandbox); !sound)
    return refuse(sound.error().message);
  if (request.sandbox.sealed() && !request.working_directory.is_absolute())
    return refuse("the working directory of a sealed child is not absolute");
  return request.overlay ? check_overlay(*request.overlay) : core::result<void>{};
}

void encode_list(protocol::writer& out, const std::vector<std::string>& list) {
  out.number(static_cast<std::uint32_t>(list.size()));
  for (const auto& x : list)
    out.text(x);
}

void encode_overlay(protocol::writer& out, const overlay_mount& x,
                    const std::optional<child_user>& child) {
  out.number(static_cast<std::uint32_t>(x.lower.size()));
  for (const auto& path : x.lower)
    out.text(path.native());
  out.text(x.upper.native());
  out.text(x.work.native());
  out.text(x.mount_point.native());
  const auto owner = x.owner ? x.owner : child;
  out.number(owner.has_value());
  out.number(owner.value_or(child_user{}).uid);
  out.number(owner.value_or(child_user{}).gid);
}

void encode_view(protocol::writer& out, const sealed_view& x) {
  for (const auto* paths : {&x.system, &x.readable, &x.writable})
    encode_list(out, *paths);
  out.number(x.temporary_max);
  out.number(x.network);
  out.number(x.single_use);
}

errc code_of(stage failed, int error_number) {
  switch (error_number) {
  case ENOMEM:
  case EAGAIN:
  case EMFILE:
  case ENFILE:
  case ENOSPC:
    return errc::resource_exhausted;
  case EOPNOTSUPP:
    return errc::unsupported_operation;
  default:
    break;
  }
  if (failed == stage::filter && error_number == EBUSY)
    return errc::unsupported_operation;
  if (failed == stage::exec || failed == stage::working_directory)
    return errc::invalid_payload;
  return failed == stage::user ? errc::permission_denied : errc::sandbox_violation;
}

std::string advice(stage failed, int error_number, std::string_view subject) {
  if (failed == stage::exec && error_number == ENOENT)
    return subject.find('/') == std::string::npos
               ? "; it is in no folder of the PATH that the task's environment gives"
               : "; the file or the interpreter that its first line names is missing, or the "
                 "sandbox does not show it (`readable`)";
  if (failed == stage::exec && error_number == ENOEXEC)
    return "; a script needs a first line such as #!/bin/sh";
  if (failed == stage::exec && error_number == E2BIG)
    return "; one word may have 131,071 bytes, and all words and variables together mostly 2 MiB: "
           "hand over more in a file";
  if (failed == stage::working_directory && error_number == EACCES)
    return "; the child's user must be able to enter it and every folder above";
  if (failed == stage::request && error_number == EOPNOTSUPP)
    return "; this node offers the levels none, subprocess and seccomp";
  if ((failed == stage::root || failed == stage::landlock) && error_number == ENOENT)
    return "; a path under `readable` or `writable` must be there on each node that runs the task";
  if (failed == stage::user && subject == "root")
    return "; a child of level seccomp may not be root: let the node give its tasks users of their "
           "own, without --task-user same";
  if (failed == stage::root && error_number == EACCES)
    return "; the task's user must be able to enter every folder above what is shown";
  if (error_number == ENOMEM)
    return "; with too small a limit of memory a child does not even begin";
  if (failed == stage::filter && error_number == EBUSY)
    return "; what the node itself runs in listens to the calls of all inside it, so `violation: "
           "kill` cannot be kept here: without it a call that is not allowed fails";
  if (failed == stage::groups)
    return "; the node needs a control group of its own for that: `maze-node doctor` says which "
           "there are";
  if (failed == stage::user)
    return "; only a node that is root can give its children other users";
  return {};
}

} // namespace

std::uint8_t groups_of(const capabilities& can) {
  using protocol::group_use;
  unsigned out = 0;
  const auto add = [&out](group_use use, bool here) {
    out |= (here ? 1U : 0U) << static_cast<unsigned>(use);
  };
  add(group_use::memory, can.memory_groups);
  add(group_use::processes, can.process_groups);
  add(group_use::cpu_time, can.cpu_time_groups);
  add(group_use::cpu_share, can.cpu_share_groups);
  return static_cast<std::uint8_t>(out);
}

core::error explain(stage failed, int error_number, const std::string& subject) {
  const auto what = failed == stage::exec
                        ? fmt::format("cannot run '{}'", subject)
                        : fmt::format("cannot set up the child: {} failed on '{}'",
                                      protocol::to_string(failed), subject);
  return {.code = code_of(failed, error_number),
          .message =
              io::errno_error(what, error_number).message + advice(failed, error_number, subject),
          .origin = fmt::format("launch:{}", protocol::to_string(failed))};
}

core::result<std::string> encode_request(launch_id id, const launch_request& request,
                                         const sealed_view& shown) {
  if (auto outcome = check(request); !outcome)
    return core::fail(outcome.error());
  protocol::writer out;
  out.number(id);
  out.number(request.after.value_or(0));
  encode_list(out, request.argv);
  encode_list(out, request.environment);
  out.text(request.working_directory.native());
  out.number(request.overlay.has_value());
  if (request.overlay)
    encode_overlay(out, *request.overlay, request.user);
  const auto user = request.user.value_or(child_user{});
  out.number(request.user.has_value());
  out.number(user.uid);
  out.number(user.gid);
  protocol::encode_limits(out, request.sandbox);
  if (request.sandbox.sealed())
    encode_view(out, shown);
  out.number(std::int32_t{request.nice});
  out.number(std::int32_t{request.oom_score_adj});
  out.number(request.watch != nullptr);
  out.number(static_cast<std::uint32_t>(request.inherited.size()));
  return out.take();
}

exit_report report_of(const protocol::ended& told, core::sandbox_level level) {
  exit_report report;
  report.isolation.requested = level;
  report.cause = static_cast<exit_cause>(told.cause);
  report.wall = std::chrono::nanoseconds(told.wall_ns);
  report.cpu_user = std::chrono::nanoseconds(told.user_ns);
  report.cpu_system = std::chrono::nanoseconds(told.system_ns);
  report.memory_peak = told.memory_peak;
  report.refused_processes = told.refused_processes;
  if (report.cause == exit_cause::setup_failed) {
    report.failure = explain(told.failed, told.error_number, told.subject);
    return report;
  }
  report.isolation.began = report.cause != exit_cause::withdrawn;
  report.isolation.fences = told.fences;
  if (report.cause == exit_cause::lost)
    report.failure = {.code = errc::worker_crash,
                      .message = "the process that kept the child was killed",
                      .origin = "launch:lost"};
  if (report.cause == exit_cause::forbidden_call) {
    report.syscall = told.syscall < 0 ? std::string() : syscall_name(told.syscall);
    report.foreign_syscall = told.syscall == protocol::foreign_call;
    report.program = told.subject;
  }
  if (WIFEXITED(told.wait_status))
    report.exit_code = WEXITSTATUS(told.wait_status);
  else if (WIFSIGNALED(told.wait_status))
    report.signal = WTERMSIG(told.wait_status);
  return report;
}

exit_report failed_report(exit_cause cause, core::error why, core::sandbox_level level) {
  exit_report report;
  report.cause = cause;
  report.failure = std::move(why);
  report.isolation.requested = level;
  return report;
}

} // namespace maze::sandbox
