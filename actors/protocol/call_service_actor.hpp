#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/error.hpp"
#include "maze/core/permissions.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What a client and the hub of a run's calls say to each other. Frames are those of core/call_batch.hpp, results
/// the `replies` messages of core/call_frames.hpp.
namespace maze::actors {

/// So many calls have been taken, durably: frames up to there need not be kept.
struct calls_taken {
  std::uint32_t next = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, calls_taken& x) {
    return f(x.next);
  }
};

/// Ends of calls, durable; and so many have been taken, as in `calls_taken`, if that is more than before.
struct call_results {
  std::string bytes;
  std::uint32_t next = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, call_results& x) {
    return f(x.bytes, x.next);
  }
};

/// A frame or a message was not taken; the calls before it go on.
struct calls_refused {
  core::error reason;

  template <class Inspector>
  friend auto inspect(Inspector& f, calls_refused& x) {
    return f(x.reason);
  }
};

/// Every call has ended and the client has been told of each.
struct calls_over {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, calls_over& x) {
    return f(x.completed, x.failed);
  }
};

/// Who hands in the calls of a run and hears of their ends.
using call_client_actor =
    interface<void(calls_taken), void(call_results), void(calls_refused), void(calls_over)>;

/// The client speaks from here on. One at a time: the last one counts, and is given again what the one before did not
/// say that it had used.
struct attach_client {
  call_client_actor client;

  template <class Inspector>
  friend auto inspect(Inspector& f, attach_client& x) {
    return f(x.client);
  }
};

struct calls_opened {
  /// Number that the next call gets.
  std::uint32_t next = 0;
  /// Which client this is, counted from 1.
  std::uint32_t client = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, calls_opened& x) {
    return f(x.next, x.client);
  }
};

struct submit_calls {
  std::string frame;

  template <class Inspector>
  friend auto inspect(Inspector& f, submit_calls& x) {
    return f(x.frame);
  }
};

/// The client has used so many more bytes of results. What a client says that is not the last one counts for nothing.
struct results_read {
  std::uint64_t bytes = 0;
  /// As it was told.
  std::uint32_t client = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, results_read& x) {
    return f(x.bytes, x.client);
  }
};

/// These calls are not wanted any more.
struct cancel_calls {
  std::vector<std::uint32_t> calls;

  template <class Inspector>
  friend auto inspect(Inspector& f, cancel_calls& x) {
    return f(x.calls);
  }
};

/// No more calls will come.
struct close_calls {
  template <class Inspector>
  friend auto inspect(Inspector& f, close_calls&) {
    return f();
  }
};

/// The HUB of a run's calls, as a client knows it.
using call_service_actor = interface<calls_opened(attach_client), void(submit_calls),
                                     void(results_read), void(cancel_calls), void(close_calls)>;

/// Where the calls of a run go.
struct call_service {
  call_service_actor hub;
  /// What whoever hands calls in must be permitted.
  core::permission_set needed;

  template <class Inspector>
  friend auto inspect(Inspector& f, call_service& x) {
    return f(x.hub, x.needed);
  }
};

} // namespace maze::actors

// clang-format off
#define MAZE_CALL_MESSAGES(each)      \
  each(maze::actors::calls_taken)     \
  each(maze::actors::call_results)    \
  each(maze::actors::calls_refused)   \
  each(maze::actors::calls_over)      \
  each(maze::actors::attach_client)   \
  each(maze::actors::calls_opened)    \
  each(maze::actors::submit_calls)    \
  each(maze::actors::results_read)    \
  each(maze::actors::cancel_calls)    \
  each(maze::actors::close_calls)     \
  each(maze::actors::call_service)
// clang-format on
MAZE_CALL_MESSAGES(MAZE_DECLARE_MESSAGE)
