#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maze::core {

/// Every way a maze operation or a task can fail. Values travel on the wire and lie on disk: append
/// only, never renumber.
enum class errc : std::uint8_t {
  none = 0,

  // How a task can end badly (the taxonomy of task failures).
  /// The user's function threw.
  user_exception = 1,
  /// The command ended with a status that the task does not list in `ok_exit`.
  exit_nonzero = 2,
  /// The child died of a signal that nobody in maze sent.
  signalled = 3,
  /// The kernel killed the child because its memory limit or the machine's memory was used up.
  oom_killed = 4,
  /// The wall-clock limit passed.
  timeout_wall = 5,
  /// The CPU-time limit passed.
  timeout_cpu = 6,
  /// The child tried something that its sandbox forbids, or its sandbox could not be set up.
  sandbox_violation = 7,
  /// The task's description or its input is wrong; trying again cannot help.
  invalid_payload = 8,
  permission_denied = 9,
  /// The task asks for something that this build or this machine does not offer.
  unsupported_operation = 10,
  /// The function is not one that the registry trusts.
  untrusted_function = 11,
  /// A parameter has no value from any source, or a reference leads nowhere.
  input_missing = 12,
  /// A task that this one depends on did not complete.
  upstream_failed = 13,
  /// Two tasks, neither an ancestor of the other, published different content under one path.
  file_conflict = 14,
  /// Bytes did not arrive, or arrived with a wrong hash.
  transfer_error = 15,
  /// Disk, memory, descriptors or processes of the node ran out.
  resource_exhausted = 16,
  node_lost = 17,
  /// The process that hosts attempts died under the attempt.
  worker_crash = 18,
  actor_died = 19,
  object_lost = 20,
  cancelled = 21,
  /// A defect inside maze itself.
  scheduler_error = 22,

  // How an operation can be refused.
  invalid_argument = 64,
  not_found = 65,
  already_exists = 66,
  /// No node of the cluster could ever satisfy the request.
  unschedulable = 67,
  /// A system call failed; the message names the call, the object and errno.
  io_error = 68,
  /// Bytes do not follow the format they claim: a codec, a manifest, a message.
  malformed = 69,
  /// A token, version or state is no longer the current one.
  stale = 70,
  /// A limit of the configuration would be passed.
  limit_exceeded = 71,
};

/// What went wrong: a code for programs, a sentence for people, and where it is known, evidence.
///
/// @note A value type; safe to copy, send and store.
struct error {
  errc code = errc::none;
  /// One sentence that names the thing and the limit.
  std::string message;
  /// Where it happened: `pull`, `resolve`, `execute`, `push`, `schedule`, `launch:<stage>`, `submit:<task>` …; may be empty.
  std::string origin;
  /// The child's exit status, -1 where there is none.
  std::int32_t exit_code = -1;
  /// The signal that ended the child, 0 where there is none.
  std::int32_t signal = 0;
  /// The last lines of standard error, a kernel counter, a path: whatever supports the claim.
  std::string evidence;

  friend bool operator==(const error&, const error&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, error& x) {
    return f(x.code, x.message, x.origin, x.exit_code, x.signal, x.evidence);
  }
};

/// The name as people and files spell it, for example `exit_nonzero`; `unknown` for other numbers.
std::string_view to_string(errc code) noexcept;
/// The inverse of `to_string`.
std::optional<errc> errc_from_string(std::string_view name) noexcept;
/// Whether trying again may help by default: transfer_error, resource_exhausted, node_lost,
/// worker_crash, object_lost, timeout_wall, timeout_cpu.
bool is_retryable(errc code) noexcept;
/// Whether the number names a code.
bool is_known(errc code) noexcept;
/// Every code, in numeric order: what tables and tests walk over.
std::span<const errc> all_errcs() noexcept;

/// `code: message (origin; exit 3; signal 9)`, with only the parts that are known.
std::string describe(const error& what);

} // namespace maze::core
