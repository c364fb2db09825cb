#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/ids.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace maze::actors {

enum class log_stream : std::uint8_t { standard_output = 1, standard_error = 2 };

/// The most bytes of a log in one message.
constexpr std::uint32_t log_piece_max = std::uint32_t{256} << 10;

/// Bytes of one stream of one attempt, where it runs or ran.
struct read_log {
  core::run_id run;
  std::string task;
  /// 1 for the first attempt of the task.
  std::uint32_t number = 1;
  /// Its token while it is out; zero afterwards.
  core::attempt_id attempt;
  log_stream stream = log_stream::standard_output;
  /// Where to go on: the `next` of the last piece, or 0.
  std::uint64_t offset = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, read_log& x) {
    return f(x.run, x.task, x.number, x.attempt, x.stream, x.offset);
  }
};

struct log_piece {
  std::string bytes;
  std::uint64_t next = 0;
  /// Nothing follows `bytes`, now or later.
  bool ended = false;

  template <class Inspector>
  friend auto inspect(Inspector& f, log_piece& x) {
    return f(x.bytes, x.next, x.ended);
  }
};

/// Nobody asks for the logs of these runs any more.
struct drop_logs {
  std::vector<core::run_id> runs;

  template <class Inspector>
  friend auto inspect(Inspector& f, drop_logs& x) {
    return f(x.runs);
  }
};

/// A LOG READER: finds what a node keeps of the output of attempts.
using log_actor = interface<
    // At most `log_piece_max` bytes; `not_found` where the node keeps nothing of that stream.
    log_piece(read_log), void(drop_logs)>;

} // namespace maze::actors

// clang-format off
#define MAZE_LOG_MESSAGES(each) \
  each(maze::actors::read_log)  \
  each(maze::actors::drop_logs) \
  each(maze::actors::log_piece)
// clang-format on
MAZE_LOG_MESSAGES(MAZE_DECLARE_MESSAGE)
