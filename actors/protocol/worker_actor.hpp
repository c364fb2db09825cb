#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace maze::actors {

class run_files;

/// One attempt to run, with what the node keeps of its run.
struct run_attempt {
  attempt_order order;
  std::shared_ptr<run_files> files;
  /// The node's GPUs that it has to itself, by number from 0.
  std::vector<std::uint32_t> gpus{};
};

/// The attempt's child and every process of its tree are gone.
struct child_ended {
  core::attempt_id attempt;
  std::shared_ptr<sandbox::exit_report> report;
};

struct stop_child {
  core::attempt_id attempt;

  template <class Inspector>
  friend auto inspect(Inspector& f, stop_child& x) {
    return f(x.attempt);
  }
};

/// Gives a lined-up attempt back to the agent, unless its child has begun.
struct recall_child {
  core::attempt_id attempt;

  template <class Inspector>
  friend auto inspect(Inspector& f, recall_child& x) {
    return f(x.attempt);
  }
};

/// Time to look at how much an attempt has written.
struct disk_tick {
  core::attempt_id attempt;

  template <class Inspector>
  friend auto inspect(Inspector& f, disk_tick& x) {
    return f(x.attempt);
  }
};

/// A WORKER: runs one child at a time and takes its attempt through pull, resolve, execute, push.
/// Given a second attempt meanwhile, it has that one's child start when the first one's has ended.
using worker_actor =
    interface<void(run_attempt), void(child_ended), void(stop_child), void(recall_child),
              // Of a child while that lives, else what the node keeps.
              log_piece(read_log), void(disk_tick)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::run_attempt)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::child_ended)

// clang-format off
#define MAZE_WORKER_MESSAGES(each) \
  each(maze::actors::run_attempt)  \
  each(maze::actors::child_ended)  \
  each(maze::actors::stop_child)   \
  each(maze::actors::recall_child) \
  each(maze::actors::disk_tick)
// clang-format on
MAZE_WORKER_MESSAGES(MAZE_DECLARE_MESSAGE)
