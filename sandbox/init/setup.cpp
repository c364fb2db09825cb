#include "maze/sandbox/init/setup.hpp"

#include "maze/sandbox/fences.hpp"
#include "maze/sandbox/init/cgroup_files.hpp"
#include "maze/sandbox/init/fault.hpp"
#include "maze/sandbox/init/filter.hpp"
#include "maze/sandbox/init/landlock.hpp"
#include "maze/sandbox/init/overlay.hpp"
#include "maze/sandbox/init/root.hpp"
#include "maze/sandbox/init/watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::stage;

constexpr failure none{};

failure failed(stage at, const char* subject) { return {at, errno, subject}; }

/// At this level and above, and for every child with a uid of its own, nothing may be regained.
bool confined(const spawn_plan& plan) {
  return plan.request.has_user || plan.request.sandbox.level >= core::sandbox_level::subprocess;
}

/// First, so that all that follows is counted there.
failure join_groups(const spawn_plan& plan) {
  for (const int group : plan.groups)
    if (::write(group, "0", 1) != 1)
      return failed(stage::groups, "cgroup.procs");
  return none;
}

failure enter_namespaces(const spawn_plan& plan) {
  if (plan.request.has_overlay) {
    // Mounts of the machine still arrive, ours never leave.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
      return failed(stage::mount_namespace, "/");
    if (!plan.groups.empty() && !protect_groups())
      return failed(stage::groups, "/sys/fs/cgroup");
    if (plan.slot_fd >= 0
        && ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
      return failed(stage::proc, "/proc");
    if (const failure what = injected(stage::proc); what.at != stage::none)
      return what;
    if (const failure what = mount_overlay(plan); what.at != stage::none)
      return what;
    if (const failure what = injected(stage::overlay); what.at != stage::none)
      return what;
  }
  // Here its files can be seen whatever the root shows, and nobody uses them yet.
  watch_folders(plan);
  if (plan.request.sealed() && !plan.walled)
    return enter_root(plan);
  if (!plan.request.has_overlay && plan.slot_fd >= 0 && ::setns(plan.slot_fd, CLONE_NEWNS) != 0)
    return failed(stage::mount_namespace, "setns");
  return none;
}

failure hand_over_descriptors(const spawn_plan& plan) {
  constexpr int first = STDERR_FILENO + 1;
  constexpr int beyond = first + static_cast<int>(protocol::inherited_max);
  const auto own = plan.request.own_descriptors();
  const int count = static_cast<int>(plan.descriptors.size() - own);
  // One of them may have the number that another one is to get.
  std::array<int, protocol::inherited_max> lifted{};
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    lifted[at] = ::fcntl(plan.descriptors[at + own].get(), F_DUPFD_CLOEXEC, beyond);
    if (lifted[at] < 0)
      return failed(stage::stdio, "inherited descriptor");
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(lifted[static_cast<std::size_t>(i)], first + i) < 0)
      return failed(stage::stdio, "inherited descriptor");
  if (::syscall(SYS_close_range, static_cast<unsigned>(first + count), ~0U, CLOSE_RANGE_CLOEXEC)
      != 0)
    return failed(stage::stdio, "close_range");
  return none;
}

failure connect_streams(const spawn_plan& plan) {
  // No session of its own: the kernel shares out cores by session first (autogroups), so that `nice`
  // would mean nothing and many tasks would outweigh the node.
  if (::setpgid(0, 0) < 0)
    return failed(stage::process_group, "setpgid");
  if (const failure what = injected(stage::process_group); what.at != stage::none)
    return what;
  // The sources are above 2 in maze-init, so none is overwritten before it is used.
  if (::dup2(plan.around.null_fd, STDIN_FILENO) < 0)
    return failed(stage::stdio, "standard input");
  if (::dup2(plan.descriptors[0].get(), STDOUT_FILENO) < 0)
    return failed(stage::stdio, "standard output");
  if (::dup2(plan.descriptors[1].get(), STDERR_FILENO) < 0)
    return failed(stage::stdio, "standard error");
  return hand_over_descriptors(plan);
}

/// Before a /proc is there that can only be read.
failure set_oom_score(const spawn_plan& plan) {
  // Lowering the score needs a capability, and a node that asked to die first keeps its children first.
  const int wanted = std::max(plan.request.oom_score_adj, plan.around.oom_score_adj);
  if (wanted == plan.around.oom_score_adj)
    return none;
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, wanted).ptr;
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return failed(stage::oom_score_adj, "/proc/self/oom_score_adj");
  const auto written = ::write(fd, text, static_cast<std::size_t>(end - text));
  const failure outcome = written < 0 ? failed(stage::oom_score_adj, "oom_score_adj") : none;
  ::close(fd);
  return outcome;
}

failure set_nice(const spawn_plan& plan) {
  const int nice = std::clamp(plan.around.nice + plan.request.nice, -20, 19);
  if (nice != plan.around.nice && ::setpriority(PRIO_PROCESS, 0, nice) != 0)
    return failed(stage::nice, "nice");
  return none;
}

/// A limit that the node itself is under stays: it is the stricter one.
bool lower_limit(__rlimit_resource_t which, rlim_t soft, rlim_t hard) {
  rlimit now{};
  if (::getrlimit(which, &now) != 0)
    return false;
  const rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
  return ::setrlimit(which, &wanted) == 0;
}

bool lower_limit(__rlimit_resource_t which, rlim_t both) { return lower_limit(which, both, both); }

failure set_limits(const spawn_plan& plan) {
  const auto& spec = plan.request.sandbox;
  if (spec.level < core::sandbox_level::subprocess)
    return none;
  // Less than any core file has. 0 would still have the kernel start the program that a machine may have for crashes, as
  // root: that one limit of one byte keeps it from. Source: do_coredump in fs/coredump.c.
  if (!lower_limit(RLIMIT_CORE, 1))
    return failed(stage::limits, "RLIMIT_CORE");
  if (spec.cpu_time) {
    // The soft limit's SIGXCPU tells the cause; a second later SIGKILL ends who ignores it.
    const auto seconds =
        std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(*spec.cpu_time).count());
    const auto soft = static_cast<rlim_t>(seconds);
    if (!lower_limit(RLIMIT_CPU, soft, soft + 1))
      return failed(stage::limits, "RLIMIT_CPU");
  }
  if (spec.address_space && !lower_limit(RLIMIT_AS, spec.address_space->value))
    return failed(stage::limits, "RLIMIT_AS");
  if (spec.file_size && !lower_limit(RLIMIT_FSIZE, spec.file_size->value))
    return failed(stage::limits, "RLIMIT_FSIZE");
  // A group counts what is the tree's, and not what its user has elsewhere.
  const bool counted = protocol::has_group(plan.grouped, protocol::group_use::processes);
  if (spec.processes && !counted && !lower_limit(RLIMIT_NPROC, *spec.processes))
    return failed(stage::limits, "RLIMIT_NPROC");
  return none;
}

/// Apart from the others, after all that needs a descriptor: the listener of a filter. Every filter lets a process lower its
/// own limits.
failure limit_open_files(const spawn_plan& plan) {
  const auto& open_files = plan.request.sandbox.open_files;
  const bool limited = plan.request.sandbox.level >= core::sandbox_level::subprocess;
  if (limited && open_files && !lower_limit(RLIMIT_NOFILE, *open_files))
    return failed(stage::limits, "RLIMIT_NOFILE");
  return none;
}

failure become_user(const spawn_plan& plan) {
  const auto& request = plan.request;
  if (!request.has_user)
    return none;
  if (::setgroups(0, nullptr) != 0)
    return failed(stage::user, "setgroups");
  if (::setresgid(request.gid, request.gid, request.gid) != 0)
    return failed(stage::user, "setresgid");
  if (::setresuid(request.uid, request.uid, request.uid) != 0)
    return failed(stage::user, "setresuid");
  return none;
}

failure drop_privileges(const spawn_plan& plan) {
  if (!confined(plan))
    return none;
  // Without this bit execve would give uid 0, and set-user-id files, their capabilities back.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failed(stage::privileges, "no_new_privs");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct nothing[2]{};
  if (::syscall(SYS_capset, &header, nothing) != 0)
    return failed(stage::privileges, "capset");
  return none;
}

failure restrict(const spawn_plan& plan) {
  if (!plan.request.sealed() || plan.landlock == 0)
    return none;
  return restrict_files(plan, plan.landlock);
}

/// The value of PATH in the request's environment, or null.
const char* path_of(const protocol::launch_view& request) {
  for (const char* entry : request.environment)
    if (entry != nullptr && std::strncmp(entry, "PATH=", 5) == 0)
      return entry + 5;
  return nullptr;
}

/// Tries every folder of PATH, as execvp does, but never hands a file to a shell.
int execute_from_path(const protocol::launch_view& request, const char* path) {
  const char* name = request.argv[0];
  const std::size_t name_size = std::strlen(name);
  int outcome = ENOENT;
  for (const char* at = path;;) {
    const char* end = ::strchrnul(at, ':');
    const auto folder = static_cast<std::size_t>(end - at);
    char program[PATH_MAX];
    if (folder + name_size + 2 <= sizeof program) {
      char* to = std::copy(at, end, program);
      if (folder > 0)
        *to++ = '/';
      std::memcpy(to, name, name_size + 1);
      ::execve(program, request.argv.data(), request.environment.data());
      if (errno == EACCES)
        outcome = EACCES;
      else if (errno != ENOENT && errno != ENOTDIR)
        return errno;
    }
    if (*end == '\0')
      return outcome;
    at = end + 1;
  }
}

failure enter_folder(const spawn_plan& plan) {
  // With the child's own rights: a folder that the child may not enter is an error here, not later.
  if (::chdir(plan.request.working_directory) != 0)
    return failed(stage::working_directory, plan.request.working_directory);
  return none;
}

failure die_with_parent(const spawn_plan&) {
  // A change of credentials clears it, so it comes after all of them.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return failed(stage::parent_death_signal, "PR_SET_PDEATHSIG");
  return none;
}

failure execute(const protocol::launch_view& request) {
  const char* name = request.argv[0];
  if (*name == '\0')
    return {stage::exec, ENOENT, name};
  if (std::strchr(name, '/') != nullptr) {
    ::execve(name, request.argv.data(), request.environment.data());
    return failed(stage::exec, name);
  }
  const char* path = path_of(request);
  return {stage::exec, path == nullptr ? ENOENT : execute_from_path(request, path), name};
}

} // namespace

failure set_up_and_execute(const spawn_plan& plan) {
  if (plan.request.sealed())
    if (const failure what = read_filter(plan.descriptors[2].get()); what.at != stage::none)
      return what;
  struct step {
    stage last;
    failure (*run)(const spawn_plan&);
  };
  for (const auto& [last, run] :
       {step{stage::groups, join_groups}, step{stage::oom_score_adj, set_oom_score},
        step{stage::mount_namespace, enter_namespaces}, step{stage::stdio, connect_streams},
        step{stage::nice, set_nice}, step{stage::user, become_user},
        step{stage::privileges, drop_privileges}, step{stage::landlock, restrict},
        step{stage::limits, set_limits}, step{stage::working_directory, enter_folder},
        step{stage::parent_death_signal, die_with_parent}}) {
    if (const failure what = run(plan); what.at != stage::none)
      return what;
    if (const failure what = injected(last); what.at != stage::none)
      return what;
  }
  sigset_t nothing;
  ::sigemptyset(&nothing);
  ::sigprocmask(SIG_SETMASK, &nothing, nullptr);
  // It allows nothing that the steps above need.
  if (plan.request.sealed())
    if (const failure what = install_filter(plan.passage); what.at != stage::none)
      return what;
  if (const failure what = limit_open_files(plan); what.at != stage::none)
    return what;
  for (const stage last : {stage::filter, stage::exec})
    if (const failure what = injected(last); what.at != stage::none)
      return what;
  return execute(plan.request);
}

} // namespace maze::sandbox::init
