#include "node/event_queue.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace maze::node {

namespace {

/// Without those that the caller had ignored, as nohup does: a blocked signal would come all the same.
sigset_t stop_signals() {
  sigset_t out;
  sigemptyset(&out);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_IGN)
      sigaddset(&out, signal);
  }
  return out;
}

} // namespace

event_queue::event_queue() {
  const sigset_t stops = stop_signals();
  pthread_sigmask(SIG_BLOCK, &stops, &blocked_before_);
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  signals_.reset(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!wake_ || !signals_)
    throw std::runtime_error("no descriptors left for the event queue");
}

event_queue::~event_queue() { release_signals(); }

void event_queue::release_signals() { pthread_sigmask(SIG_SETMASK, &blocked_before_, nullptr); }

void event_queue::push(actors::run_event event) {
  {
    const std::lock_guard lock(guards_events_);
    events_.push_back(std::move(event));
  }
  wake_up();
}

void event_queue::push(work_done) {
  {
    const std::lock_guard lock(guards_events_);
    ++works_done_;
  }
  wake_up();
}

void event_queue::request_end(std::string why) {
  {
    const std::lock_guard lock(guards_events_);
    end_requested_ = end_request{std::move(why)};
  }
  wake_up();
}

void event_queue::wake_up() const {
  const std::uint64_t one = 1;
  // A full counter means that a wake-up is due anyway.
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

std::optional<node_event> event_queue::next_queued() {
  const std::lock_guard lock(guards_events_);
  if (works_done_ > 0) {
    --works_done_;
    return work_done{};
  }
  if (events_.empty()) {
    if (auto end = std::exchange(end_requested_, std::nullopt))
      return std::move(*end);
    return std::nullopt;
  }
  node_event out = std::move(events_.front());
  events_.pop_front();
  return out;
}

std::optional<node_event> event_queue::wait(std::chrono::milliseconds timeout) {
  if (auto queued = next_queued())
    return queued;
  // poll(2) passes over negative descriptors.
  std::array<pollfd, 3> watched{pollfd{wake_.get(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0},
                                pollfd{input_, POLLIN, 0}};
  if (::poll(watched.data(), watched.size(), static_cast<int>(timeout.count())) <= 0)
    return std::nullopt;
  signalfd_siginfo signal{};
  if (::read(signals_.get(), &signal, sizeof signal) == sizeof signal)
    return interruption{static_cast<int>(signal.ssi_signo)};
  if (watched[2].revents != 0 && input_ended())
    return end_request{"standard input ended"};
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = ::read(wake_.get(), &count, sizeof count);
  return next_queued();
}

bool event_queue::input_ended() {
  std::array<char, 256> ignored{};
  const auto count = ::read(input_, ignored.data(), ignored.size());
  if (count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN)))
    return false;
  input_ = -1;
  return true;
}

} // namespace maze::node
