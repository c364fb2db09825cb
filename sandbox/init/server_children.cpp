#include "maze/sandbox/init/orphans.hpp"
#include "maze/sandbox/init/server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::end_cause;
using protocol::stage;

std::int64_t nanoseconds(const timeval& x) {
  return std::int64_t{x.tv_sec} * 1'000'000'000 + std::int64_t{x.tv_usec} * 1'000;
}

/// Whether the process, or the one whose status a shell passed on, died of the CPU limit.
bool ended_by_cpu_limit(int status, std::int64_t cpu_ns, core::duration limit) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
    return true;
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  const bool passed_on =
      WIFEXITED(status)
      && (WEXITSTATUS(status) == 128 + SIGXCPU || WEXITSTATUS(status) == 128 + SIGKILL);
  return (killed || passed_on) && cpu_ns >= limit.count();
}

} // namespace

bool server::serve_signal() {
  // At most one SIGCHLD is pending, however many children it stands for.
  signalfd_siginfo got;
  if (::read(signals_.get(), &got, sizeof got) < 0)
    return true;
  if (got.ssi_signo == SIGTERM)
    return false;
  reap();
  return true;
}

void server::reap() {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid <= 0)
      break;
    // A child that made us its tracer has stopped, and would for ever.
    if (WIFSTOPPED(status))
      ::kill(pid, SIGKILL);
    else
      reaped(pid, status, usage);
  }
  sweep_orphans();
}

void server::reaped(pid_t pid, int status, const rusage& usage) {
  const auto found = processes_.find(pid);
  if (found == processes_.end()) {
    if (leaving_.erase(pid) == 0)
      slots_.forget(pid);
    return;
  }
  child& x = *found->second;
  processes_.erase(found);
  if (pid == x.watched.pid) {
    x.watched.pid = -1;
    if (!x.main_dead && !x.unheard)
      x.unheard = end_cause::lost;
    kill_main(x, SIGKILL);
    return;
  }
  if (pid == x.main && x.kept.pid < 0) {
    main_ended(x, status, usage);
  } else if (pid == x.kept.pid) {
    // What it wrote before its death still lies in the pipe.
    keeper_told(x);
    forget(x.kept.records);
    x.kept.pid = -1;
    draining_.push_back(&x);
  } else {
    x.inside.reset();
  }
  finish_if_gone(x);
}

void server::keeper_told(child& x) {
  keeper_record record;
  ssize_t count = 0;
  while ((count = ::read(x.kept.records.get(), &record, sizeof record)) > 0) {
    if (count != sizeof record)
      continue;
    if (record.ended) {
      main_ended(x, record.wait_status, record.usage);
    } else if (record.main > 0) {
      x.main = record.main;
      if (x.through.here)
        listen_to(x);
      if (x.stopping)
        kill_main(x, SIGTERM);
    } else {
      x.main_dead = true;
      x.report.cause = end_cause::setup_failed;
      x.report.failed = record.at;
      x.report.error_number = record.error_number;
      x.report.subject = record.subject;
    }
  }
  // The keeper is gone or about to be reaped, and its end of file would be told again and again.
  if (count == 0)
    forget(x.kept.records);
}

void server::unwatch(const io::unique_fd& watched) {
  if (watched)
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, watched.get(), nullptr);
}

void server::forget(io::unique_fd& watched) {
  // Closing is not enough: another keeper that was just forked may still hold the file, and with it
  // its place in the epoll set.
  unwatch(watched);
  watched.reset();
}

void server::listen_to(child& x) {
  errno = EPROTO;
  io::unique_fd listener = take_over(x.through);
  // A witness of the slot that was entered last would be seen there.
  if (listener && slots_.enter(nullptr))
    x.watched = start_witness(std::move(listener));
  if (x.watched.pid < 0) {
    x.unheard = end_cause::setup_failed;
    x.report.failed = stage::filter;
    x.report.error_number = errno;
    x.report.subject = "listener";
    kill_main(x, SIGKILL);
    return;
  }
  processes_.emplace(x.watched.pid, &x);
  watch(x.watched.told.get(), witness_bit | x.report.id);
}

void server::witness_told(child& x) {
  const auto call = heard(x.watched);
  // One call is enough, and an end of file would be told again and again.
  unwatch(x.watched.told);
  if (!call || x.main_dead)
    return;
  x.violated = true;
  x.report.syscall = call->number;
  x.report.subject = call->program;
  kill_main(x, SIGKILL);
}

void server::forget_witness(child& x) {
  forget(x.watched.told);
  if (x.watched.pid < 0)
    return;
  processes_.erase(x.watched.pid);
  leaving_.insert(x.watched.pid);
  ::kill(x.watched.pid, SIGKILL);
  x.watched.pid = -1;
}

void server::main_ended(child& x, int status, const rusage& usage) {
  // Where it was ours it is reaped, and its number may be another's.
  x.main = -1;
  // Its witness may know more than has been told.
  if (x.watched.told && !x.violated)
    witness_told(x);
  x.main_dead = true;
  auto& report = x.report;
  report.wait_status = status;
  report.wall_ns = std::chrono::nanoseconds(clock::now() - x.started).count();
  report.user_ns = nanoseconds(usage.ru_utime);
  report.system_ns = nanoseconds(usage.ru_stime);
  report.memory_peak =
      std::max(report.memory_peak, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (const auto why = killed_for(x); why && (killed || x.stopping || x.violated || x.unheard))
    report.cause = *why;
  else if (x.cpu_limit
           && ended_by_cpu_limit(status, report.user_ns + report.system_ns, *x.cpu_limit))
    report.cause = end_cause::cpu_limit;
  else
    report.cause = WIFSIGNALED(status) ? end_cause::signalled : end_cause::exited;
  if (x.kept.pid > 1)
    ::kill(x.kept.pid, SIGKILL);
  if (!x.inside)
    return;
  // What it made as its own sibling is no child of the first process, and would be with the next one.
  if (!x.inside->single_use && x.inside->empty()
      && !has_unknown_child(own_children_.get(),
                            [this](pid_t pid) { return knows_process(pid); })) {
    processes_.erase(x.inside->first);
    const pid_t first = x.inside->first;
    slots_.give_back(x.inside);
    if (!x.inside)
      return;
    processes_.emplace(first, &x);
  }
  ::kill(x.inside->first, SIGKILL);
}

std::optional<end_cause> server::killed_for(const child& x) {
  if (x.stopping)
    return end_cause::stopped;
  if (x.violated)
    return end_cause::forbidden_call;
  if (x.unheard)
    return x.unheard;
  if (x.wall_passed)
    return end_cause::wall_limit;
  if (x.cpu_passed)
    return end_cause::cpu_limit;
  return std::nullopt;
}

void server::finish_if_gone(child& x) {
  const bool draining = std::find(draining_.begin(), draining_.end(), &x) != draining_.end();
  if (x.main_dead && !x.inside && x.kept.pid < 0 && !draining)
    finish(x);
}

void server::finish(child& x) {
  forget_witness(x);
  if (!x.main_dead) {
    x.report.cause = killed_for(x).value_or(end_cause::lost);
    x.report.failed = x.unheard == end_cause::setup_failed ? stage::filter : stage::process;
    x.report.wait_status = SIGKILL;
    x.report.wall_ns = std::chrono::nanoseconds(clock::now() - x.started).count();
  }
  read_groups(x);
  const auto over = children_.extract(x.report.id);
  // Whoever waits for the end starts before anybody hears of it: this is the only moment in which
  // its core would have nothing to do.
  start_held_after(x.report.id);
  node_.send(protocol::encode(x.report));
}

bool server::knows_process(pid_t pid) const {
  return processes_.count(pid) != 0 || leaving_.count(pid) != 0 || slots_.holds(pid);
}

void server::sweep_orphans() {
  if (draining_.empty())
    return;
  if (kill_children([this](pid_t pid) { return knows_process(pid); }) > 0)
    return;
  for (child* x : std::exchange(draining_, {}))
    finish(*x);
}

} // namespace maze::sandbox::init
