#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maze::core {

struct call_plan;
struct sandbox_offer;
struct task_spec;

/// Something that tasks may do only where it is permitted. The value is the position of its bit.
enum class permission : std::uint8_t {
  /// See files of a node beside the task's own.
  read_files = 0,
  /// Change files of a node beside the task's own.
  write_files = 1,
  /// Reach others over a network.
  network_access = 2,
  /// Run programs that the task names.
  system_commands = 3,
};

/// All of them, in the order of their bits.
std::span<const permission> all_permissions() noexcept;
/// `read_files`, `write_files`, `network_access`, `system_commands`.
std::string_view to_string(permission x) noexcept;
/// The inverse.
std::optional<permission> permission_from_string(std::string_view name) noexcept;

struct permission_set {
  std::uint8_t bits = 0;

  static constexpr permission_set all() noexcept { return {0b1111}; }

  void add(permission x) noexcept {
    bits = static_cast<std::uint8_t>(bits | 1U << static_cast<unsigned>(x));
  }
  [[nodiscard]] bool has(permission x) const noexcept {
    return (bits >> static_cast<unsigned>(x) & 1U) != 0;
  }
  [[nodiscard]] bool empty() const noexcept { return bits == 0; }
  /// What is here and not in `other`.
  [[nodiscard]] permission_set without(permission_set other) const noexcept {
    return {static_cast<std::uint8_t>(bits & ~other.bits)};
  }

  friend bool operator==(const permission_set&, const permission_set&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, permission_set& x) {
    return f(x.bits);
  }
};

/// `read_files, network_access`; `none` for an empty set.
std::string to_string(permission_set x);

/// What the task needs: what it says itself, and what its action and its sandbox can do whether it says so or not. A task that
/// is not sealed, or may be degraded, can do everything.
permission_set needed_permissions(const task_spec& task);
/// The same of the functions of a run with calls.
permission_set needed_permissions(const call_plan& plan);

/// What a node must offer for the task, its permissions included.
sandbox_offer needed_offer(const task_spec& task);
sandbox_offer needed_offer(const call_plan& plan);

} // namespace maze::core
