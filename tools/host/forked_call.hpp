#pragma once

#include "host/caller.hpp"
#include "host/reply_buffer.hpp"
#include "maze/core/call_frames.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace maze::host {

/// Calls functions in copies of this process, one each: what a call does to memory, to descriptors and to itself ends with
/// it, and what it started is killed. A copy that ends without an answer fails its call alone.
///
/// @note One in a process, by its main thread.
class forked_calls {
public:
  /// The host becomes the subreaper of what calls leave behind, where its sandbox lets it. Copies close `stream`, over
  /// which it talks to its node.
  forked_calls(caller& functions, reply_buffer& replies, std::uint64_t result_max, int stream,
               bool memory_limited);

  /// Puts the reply into the buffer.
  void call(const core::call_entry& what, std::string_view arguments);

private:
  void fail(std::uint64_t call, const core::error& why);
  /// What a copy wrote, until it ended; its exit status goes to `status`.
  std::string collect(int from, pid_t copy, int& status) const;
  static void end_leftovers();

  caller& functions_;
  reply_buffer& replies_;
  std::size_t answer_max_;
  int stream_;
  /// Who is killed may have had too much memory.
  bool memory_limited_;
};

} // namespace maze::host
