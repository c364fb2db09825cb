#include "maze/sandbox/init/server.hpp"

#include "maze/sandbox/fences.hpp"
#include "maze/sandbox/init/orphans.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::stage;

/// Event keys; others below these are keepers: the pid.
constexpr std::uint64_t node_key = 1;
constexpr std::uint64_t signal_key = 0;
constexpr std::uint64_t guardian_key = std::uint64_t{1} << 40;

int read_oom_score() {
  int score = 0;
  if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "re")) {
    if (std::fscanf(file, "%d", &score) != 1)
      score = 0;
    std::fclose(file);
  }
  return score;
}

/// SIGTERM is what a server in its own pid namespace gets when the guardian dies.
io::unique_fd wanted_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGCHLD);
  ::sigaddset(&wanted, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  return io::unique_fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

} // namespace

server::server(io::unique_fd socket, io::unique_fd guardian, privilege how, std::string groups,
               const std::string& scratch)
    : node_(std::move(socket)),
      guardian_(std::move(guardian)),
      slots_(std::size_t{2} * std::max(1U, std::thread::hardware_concurrency())),
      groups_(std::move(groups)) {
  null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  own_children_.reset(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  events_.reset(::epoll_create1(EPOLL_CLOEXEC));
  around_ = {.null_fd = null_.get(),
             .nice = ::getpriority(PRIO_PROCESS, 0),
             .oom_score_adj = read_oom_score(),
             .user_namespace = how == privilege::user_namespace};
  can_ = probe_capabilities(how, around_, scratch);
  can_.groups = groups_.offer();
  signals_ = wanted_signals();
  watch(node_.fd(), node_key);
  watch(signals_.get(), signal_key);
  if (guardian_)
    watch(guardian_.get(), guardian_key);
}

int server::run() {
  node_.send(protocol::encode(can_));
  while (wait_and_handle()) {
  }
  end_all_children();
  cgroups::remove_all(groups_.name());
  return 0;
}

void server::watch(int fd, std::uint64_t key) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = key;
  ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &wanted);
}

bool server::wait_and_handle() {
  std::array<epoll_event, 64> ready{};
  const int count = ::epoll_wait(events_.get(), ready.data(), static_cast<int>(ready.size()),
                                 milliseconds_to_next_deadline());
  for (int i = 0; i < count; ++i)
    if (!dispatch(ready[static_cast<std::size_t>(i)].data.u64))
      return false;
  enforce_deadlines();
  want_writes();
  return true;
}

bool server::dispatch(std::uint64_t key) {
  if (key == guardian_key)
    return false;
  if (key == node_key)
    return serve_node();
  if (key == signal_key)
    return serve_signal();
  if ((key & witness_bit) != 0) {
    if (const auto found = children_.find(key & ~witness_bit); found != children_.end())
      witness_told(*found->second);
  } else if (const auto found = processes_.find(static_cast<pid_t>(key));
             found != processes_.end()) {
    keeper_told(*found->second);
  }
  return true;
}

bool server::serve_node() {
  node_.flush();
  packet received;
  switch (node_.receive(received)) {
  case connection::outcome::received:
    return handle(received);
  case connection::outcome::closed:
    return false;
  case connection::outcome::nothing_yet:
    break;
  }
  return true;
}

bool server::handle(packet& received) {
  protocol::reader in(received.body(), received.size());
  switch (received.kind()) {
  case protocol::message_kind::stop: {
    protocol::stop_request request;
    if (!protocol::decode(in, request))
      return false;
    stop(request);
    return true;
  }
  case protocol::message_kind::withdraw: {
    protocol::withdraw_request request;
    if (!protocol::decode(in, request))
      return false;
    drop_held(request.id, protocol::end_cause::withdrawn);
    return true;
  }
  case protocol::message_kind::launch:
  case protocol::message_kind::launch_memfd: {
    protocol::launch_view request;
    if (!protocol::decode_launch(received.body(), received.size(), request))
      return false;
    if (request.after != 0 && knows(request.after) && !knows(request.id))
      held_.push_back({request.id, request.after, received.take()});
    else
      start(request, received);
    return true;
  }
  default:
    return false;
  }
}

void server::want_writes() {
  if (node_.idle() != wants_writes_)
    return;
  wants_writes_ = !node_.idle();
  epoll_event wanted{};
  wanted.events = EPOLLIN | (wants_writes_ ? EPOLLOUT : 0U);
  wanted.data.u64 = node_key;
  ::epoll_ctl(events_.get(), EPOLL_CTL_MOD, node_.fd(), &wanted);
}

void server::start(const protocol::launch_view& request, const packet& received) {
  auto made = std::make_unique<child>();
  made->started = clock::now();
  made->report.id = request.id;
  made->cpu_limit = request.sandbox.cpu_time;
  if (const failure what = start_child(*made, request, received); what.at != stage::none) {
    made->report.cause = protocol::end_cause::setup_failed;
    made->report.failed = what.at;
    made->report.error_number = what.error_number;
    made->report.subject = what.subject;
    groups_.give_back(made->groups);
    node_.send(protocol::encode(made->report));
    if (!knows(request.id))
      start_held_after(request.id);
    return;
  }
  made->report.fences = protocol::fences_of(request.sandbox, {.network = request.shown.network,
                                                              .own_user = request.has_user,
                                                              .own_tree = made->inside != nullptr,
                                                              .landlock = can_.landlock > 0,
                                                              .walled = can_.walled,
                                                              .groups = groups_.offer()});
  if (request.sandbox.wall_time)
    deadlines_.emplace(made->started + *request.sandbox.wall_time, deadline{request.id, due::wall});
  if (made->cpu_limit && made->groups.find(group_use::cpu_time) != nullptr)
    deadlines_.emplace(made->started, deadline{request.id, due::cpu});
  if (made->memory_watched)
    deadlines_.emplace(made->started, deadline{request.id, due::memory});
  children_.emplace(request.id, std::move(made));
}

bool server::knows(std::uint64_t id) const {
  return children_.count(id) != 0
         || std::any_of(held_.begin(), held_.end(), [id](const auto& x) { return x.id == id; });
}

void server::start_held_after(std::uint64_t ended) {
  for (;;) {
    const auto found = std::find_if(held_.begin(), held_.end(),
                                    [ended](const auto& x) { return x.after == ended; });
    if (found == held_.end())
      return;
    const auto next = std::move(found->request);
    held_.erase(found);
    // The view that was decoded on arrival led into bytes that are gone.
    protocol::launch_view request;
    if (protocol::decode_launch(next->body(), next->size(), request))
      start(request, *next);
  }
}

bool server::drop_held(std::uint64_t id, protocol::end_cause why) {
  const auto found =
      std::find_if(held_.begin(), held_.end(), [id](const auto& x) { return x.id == id; });
  if (found == held_.end())
    return false;
  held_.erase(found);
  protocol::ended report;
  report.id = id;
  report.cause = why;
  node_.send(protocol::encode(report));
  start_held_after(id);
  return true;
}

failure server::check_sealed(const protocol::launch_view& request) const {
  if (!request.sealed())
    return {};
  if (request.sandbox.level > core::sandbox_level::seccomp)
    return {stage::request, EOPNOTSUPP, "sandbox level"};
  if (!can_.sealed)
    return {can_.sealed_failed, can_.sealed_errno, "level seccomp"};
  // Without a capability uid 0 still owns the machine's files and switches.
  if (request.user() == 0)
    return {stage::user, EPERM, "root"};
  return {};
}

failure server::start_child(child& made, const protocol::launch_view& request,
                            const packet& received) {
  if (knows(request.id) || (request.id & witness_bit) != 0)
    return {stage::request, EEXIST, "launch id"};
  if (const failure what = check_sealed(request); what.at != stage::none)
    return what;
  if (request.has_user && !can_.other_users)
    return {stage::user, EPERM, "another user"};
  // The kernel does not count root's processes, so the limit would be a promise without effect.
  const auto grouped = groups_.offer();
  const auto has_group = [grouped](group_use x) { return protocol::has_group(grouped, x); };
  if (request.sandbox.processes && request.user() == 0 && !has_group(group_use::processes))
    return {stage::limits, EOPNOTSUPP, "RLIMIT_NPROC of root"};
  if (received.descriptors().size() != request.own_descriptors() + request.inherited)
    return {stage::request, EBADF, "descriptors"};
  if (request.sandbox.cpu_share && !has_group(group_use::cpu_share))
    return {stage::groups, EOPNOTSUPP, "cpu_share"};
  // A group may have to be tried by a process of our own, and none can be made in a slot that is dead.
  const auto& limits = request.sandbox;
  if ((limits.memory || limits.processes || limits.cpu_time || limits.cpu_share)
      && !slots_.enter(nullptr))
    return {stage::pid_namespace, errno, "own pid namespace"};
  if (failure what; !groups_.take(request.sandbox, made.groups, what))
    return what;
  if (request.sandbox.memory && !has_group(group_use::memory))
    made.memory_watched = request.sandbox.memory->value;
  if (request.sandbox.kill_on_violation) {
    made.through = passage::make();
    if (!made.through.there)
      return {stage::filter, errno, "listener"};
  }
  const std::vector<int> joined = made.groups.procs();
  spawn_plan plan{.request = request,
                  .around = around_,
                  .descriptors = received.descriptors(),
                  .landlock = can_.landlock,
                  .walled = request.sealed() && can_.walled,
                  .groups = joined,
                  .grouped = grouped,
                  .passage = made.through.there.get()};
  if (request.has_overlay && request.has_owner) {
    // The slot that was entered last may be dead, and nothing can be made in a dead pid namespace.
    if (!id_maps_.has(request.owner_uid, request.owner_gid) && !slots_.enter(nullptr))
      return {stage::pid_namespace, errno, "own pid namespace"};
    plan.idmap_fd = id_maps_.find_or_make(request.owner_uid, request.owner_gid);
    if (plan.idmap_fd < 0)
      return {stage::idmap, errno, "user namespace"};
  }
  if (can_.pid_namespaces && request.sandbox.level >= core::sandbox_level::subprocess)
    return start_in_slot(made, plan);
  if (!slots_.enter(nullptr))
    return {stage::pid_namespace, errno, "own pid namespace"};
  made.kept = start_keeper(plan);
  if (made.kept.pid < 0)
    return {stage::process, errno, "fork"};
  processes_.emplace(made.kept.pid, &made);
  watch(made.kept.records.get(), static_cast<std::uint64_t>(made.kept.pid));
  return {};
}

failure server::start_in_slot(child& made, spawn_plan& plan) {
  failure what;
  const auto kind = !plan.request.sealed()       ? slot_kind::plain
                    : plan.request.shown.network ? slot_kind::sealed
                                                 : slot_kind::cut_off;
  made.inside = slots_.take(kind, plan.request.shown.system, what);
  if (!made.inside)
    return what;
  plan.slot_fd = made.inside->pidfd.get();
  if (plan.request.sealed()) {
    auto& own = *made.inside;
    own.single_use = plan.request.shown.single_use;
    plan.new_user =
        std::find(own.users.begin(), own.users.end(), plan.request.user()) == own.users.end();
    plan.joins = joined_namespaces(kind);
  }
  spawn_result started;
  if (slots_.enter(made.inside.get()))
    started = spawn(plan);
  else
    started.what = {stage::pid_namespace, errno, "setns"};
  if (started.pid < 0) {
    // A namespace that cannot be entered, or one too many, is ended; its death is reaped as usual.
    if (started.what.at != stage::pid_namespace && !made.inside->single_use)
      slots_.give_back(made.inside);
    if (made.inside)
      ::kill(made.inside->first, SIGKILL);
    return started.what;
  }
  if (plan.new_user)
    made.inside->users.push_back(plan.request.user());
  made.main = started.pid;
  processes_.emplace(made.main, &made);
  processes_.emplace(made.inside->first, &made);
  if (made.through.here)
    listen_to(made);
  return {};
}

void server::stop(const protocol::stop_request& request) {
  if (drop_held(request.id, protocol::end_cause::stopped))
    return;
  const auto found = children_.find(request.id);
  if (found == children_.end() || found->second->main_dead)
    return;
  child& x = *found->second;
  x.stopping = true;
  if (request.grace_ms == 0) {
    kill_main(x, SIGKILL);
    return;
  }
  kill_main(x, SIGTERM);
  const auto grace_max = std::chrono::milliseconds(std::chrono::hours(24 * 365));
  const auto grace = request.grace_ms < static_cast<std::uint64_t>(grace_max.count())
                         ? std::chrono::milliseconds(request.grace_ms)
                         : grace_max;
  deadlines_.emplace(clock::now() + grace, deadline{request.id, due::stop});
}

void server::kill_main(const child& victim, int signal) const {
  // Children that we or the keeper have not reaped, so the numbers still mean them. A process can leave its group, and
  // leave that empty: it is meant itself, too, and its namespace ends with the first process.
  if (victim.main > 1) {
    ::kill(-victim.main, signal);
    ::kill(victim.main, signal);
  }
  if (victim.inside && signal == SIGKILL) {
    // Between its death and the news of that it would look empty.
    victim.inside->single_use = true;
    ::kill(victim.inside->first, SIGKILL);
  } else if (victim.main <= 1 && victim.kept.pid > 1 && signal == SIGKILL) {
    ::kill(victim.kept.pid, SIGKILL);
  }
}

} // namespace maze::sandbox::init
