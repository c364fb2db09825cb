#pragma once

#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/io/files.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

namespace maze::node {

/// A signal that asks the program to stop.
struct interruption {
  int signal = 0;
};

/// Work that another thread does for this one came to its end.
struct work_done {};

/// Somebody asked this process to end.
struct end_request {
  std::string why;
};

using node_event = std::variant<actors::run_event, interruption, work_done, end_request>;

/// What the main thread waits for: news of its run, the end of work and signals, on one poll.
///
/// Blocks SIGINT, SIGTERM and SIGHUP while it lives, for the thread that makes it and those that are
/// started afterwards: make it before any thread.
/// @note `push` and `request_end` are thread-safe; `wait` belongs to the main thread.
class event_queue {
public:
  event_queue();
  event_queue(const event_queue&) = delete;
  event_queue& operator=(const event_queue&) = delete;
  ~event_queue();

  /// From now on the signals do what they do to every program, and `wait` tells no more of them.
  void release_signals();
  void push(actors::run_event event);
  void push(work_done);
  /// `wait` gives an `end_request` once the events before it are taken.
  void request_end(std::string why);
  /// `wait` also gives an `end_request` when `input` ends; what is read from it until then is ignored.
  void end_with(int input) { input_ = input; }
  /// The next event, or nothing when `timeout` passes first.
  std::optional<node_event> wait(std::chrono::milliseconds timeout);

private:
  void wake_up() const;
  std::optional<node_event> next_queued();
  [[nodiscard]] bool input_ended();

  sigset_t blocked_before_{};
  io::unique_fd wake_;
  io::unique_fd signals_;
  /// -1: none. Not owned.
  int input_ = -1;
  std::mutex guards_events_;
  std::deque<actors::run_event> events_;
  std::size_t works_done_ = 0;
  std::optional<end_request> end_requested_;
};

} // namespace maze::node
