#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/graph_run.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

/// A moment on a wall clock: nanoseconds since 1970-01-01 UTC. For people; nothing is decided by it.
using wall_time = std::chrono::nanoseconds;

/// A master process began to use this journal.
struct master_started {
  /// Counts the starts of the master, from 1: the first half of attempt tokens.
  std::uint64_t epoch = 0;
  /// A random number that tells this start of the process from every other.
  std::uint64_t incarnation = 0;
  wall_time at{};

  friend bool operator==(const master_started&, const master_started&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, master_started& x) {
    return f(x.epoch, x.incarnation, x.at);
  }
};

/// A run was accepted: what is known of it before its first task.
struct run_accepted {
  run_id run;
  std::string name;
  /// Made by the client; a repeated submit carries the same one and gets the same run.
  std::string client_id;
  /// Names of the tasks, by task id.
  std::vector<std::string> tasks;
  /// Hash of the canonical manifest of the files that travelled at submit.
  digest base;
  /// Encoded values of the context entries that are not secret: see `set_context`.
  std::map<std::string, std::string> context;
  /// Names of the secret ones, whose values are never written.
  std::vector<std::string> secrets;
  wall_time at{};

  friend bool operator==(const run_accepted&, const run_accepted&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, run_accepted& x) {
    return f(x.run, x.name, x.client_id, x.tasks, x.base, x.context, x.secrets, x.at);
  }
};

/// Something became true of a run.
struct run_progressed {
  run_id run;
  run_fact fact;

  friend bool operator==(const run_progressed&, const run_progressed&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, run_progressed& x) {
    return f(x.run, x.fact);
  }
};

/// A node was admitted, new or after an absence.
struct node_joined {
  node_id node;
  std::string name;
  std::uint64_t incarnation = 0;
  resources total;

  friend bool operator==(const node_joined&, const node_joined&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, node_joined& x) {
    return f(x.node, x.name, x.incarnation, x.total);
  }
};

/// A node left or was expelled; `reason.code` is `none` where it was asked to leave.
struct node_left {
  node_id node;
  error reason;

  friend bool operator==(const node_left&, const node_left&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, node_left& x) {
    return f(x.node, x.reason);
  }
};

/// Nobody may ask about the run any more; its files and logs may go.
struct run_forgotten {
  run_id run;

  friend bool operator==(const run_forgotten&, const run_forgotten&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, run_forgotten& x) {
    return f(x.run);
  }
};

/// A client handed in calls: the frame of core/call_batch.hpp as it came.
struct calls_submitted {
  run_id run;
  std::string frame;

  friend bool operator==(const calls_submitted&, const calls_submitted&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, calls_submitted& x) {
    return f(x.run, x.frame);
  }
};

/// Calls ended: a `replies` message of core/call_frames.hpp.
struct calls_ended {
  run_id run;
  std::string replies;

  friend bool operator==(const calls_ended&, const calls_ended&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, calls_ended& x) {
    return f(x.run, x.replies);
  }
};

/// Every durable fact. Lies on disk: append alternatives, never reorder or change one; a changed
/// fact is a new alternative, so that old journals stay readable.
using journal_event = std::variant<master_started, run_accepted, run_progressed, node_joined,
                                   node_left, run_forgotten, calls_submitted, calls_ended>;

/// The first byte of every encoded event.
constexpr std::uint8_t journal_event_format = 1;

/// Copies what may be written of a run's context into `fact`: values of plain entries, names of
/// secret ones. Fails with `limit_exceeded` where a value is too large to encode, naming the entry.
result<void> set_context(run_accepted& fact, const context_map& context);

/// The format byte, then the binary form of core/README.md. Equal events encode to equal bytes.
std::string encode_journal_event(const journal_event& event);
/// The inverse, from bytes that nobody vouches for. Fails with `malformed` or `limit_exceeded`
/// naming the offset, with `unsupported_operation` where the format byte is of a newer maze.
result<journal_event> decode_journal_event(std::string_view encoded);

/// The run that `event` is about; zero where it is about the cluster.
run_id run_of(const journal_event& event) noexcept;
/// 1 for the first alternative, and so on: a column of the journal.
std::uint8_t kind_of(const journal_event& event) noexcept;
/// For people and logs: `master_started`, `run_accepted`, `task_ended`, `node_left` …
std::string_view name_of(const journal_event& event) noexcept;

} // namespace maze::core
