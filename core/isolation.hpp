#pragma once

#include "maze/core/file_report.hpp"
#include "maze/core/sandbox_spec.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace maze::core {

/// Something that keeps a child apart from the rest of its machine. The value is the position of its bit.
enum class fence : std::uint8_t {
  /// A user that nobody else of the node has.
  own_user = 0,
  /// No capability, and no way to get one.
  no_privileges = 1,
  /// Limits of its own (setrlimit): of those, what the task asked for.
  limits = 2,
  /// It sees and signals no process but its own, and its tree dies as one.
  processes = 3,
  /// A root that shows what is named and nothing else.
  root = 4,
  /// IPC, host name and cgroups of its own.
  names = 5,
  /// No network.
  network = 6,
  /// Landlock: the second wall around files.
  landlock = 7,
  /// A filter of system calls.
  syscalls = 8,
  /// A control group that holds the tree's memory to its limit.
  memory = 9,
  /// Its memory is looked at now and then: a tree that grows fast is stopped late.
  memory_watch = 10,
  /// A control group that counts the tree's processes.
  process_count = 11,
  /// A control group that counts the tree's CPU time.
  cpu_time = 12,
  /// A control group that shares out cores.
  cpu_share = 13,
  /// What it writes into its folder is looked at now and then.
  disk_watch = 14,
  /// A container engine made its root and namespaces.
  container = 15,
};

/// All of them, in the order of their bits.
std::span<const fence> all_fences() noexcept;
/// `own_user`, `no_privileges`, …: never renamed.
std::string_view to_string(fence x) noexcept;

/// The report card of an attempt: what its sandbox was asked for, what stood while it ran, and which
/// files it used.
struct isolation {
  sandbox_level requested = sandbox_level::none;
  /// Bits of `fence`; none before its child began, and where it never did.
  std::uint16_t fences = 0;
  /// Whether a child began.
  bool began = false;
  /// What it did with files beyond what its task declares, where somebody looked.
  file_report files = {};

  /// The level that the fences come to: at least the one that was asked for.
  [[nodiscard]] sandbox_level level() const noexcept {
    return has(fence::container)  ? sandbox_level::container
           : has(fence::syscalls) ? sandbox_level::seccomp
           : has(fence::limits)   ? sandbox_level::subprocess
                                  : sandbox_level::none;
  }
  [[nodiscard]] bool has(fence x) const noexcept {
    return (fences >> static_cast<unsigned>(x) & 1U) != 0;
  }
  void add(fence x) noexcept {
    fences = static_cast<std::uint16_t>(fences | 1U << static_cast<unsigned>(x));
  }

  friend bool operator==(const isolation&, const isolation&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, isolation& x) {
    return f(x.requested, x.fences, x.began, x.files);
  }
};

} // namespace maze::core
