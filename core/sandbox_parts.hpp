#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace maze::core {

/// A part of a `sandbox_spec` that can be said by itself. The value is the position of its bit.
enum class sandbox_part : std::uint8_t {
  level = 0,
  timeout = 1,
  cpu_time = 2,
  memory = 3,
  cpu_share = 4,
  address_space = 5,
  file_size = 6,
  disk = 7,
  open_files = 8,
  processes = 9,
  network = 10,
  filesystem = 11,
  readable = 12,
  writable = 13,
  syscalls = 14,
  environment = 15,
  imports = 16,
  degrade = 17,
  image = 18,
  temporary = 19,
  reuse = 20,
  violation = 21,
};

/// Some parts of a sandbox, for example those that somebody wrote down.
struct sandbox_parts {
  std::uint32_t bits = 0;

  void add(sandbox_part x) noexcept { bits |= bit(x); }
  [[nodiscard]] bool has(sandbox_part x) const noexcept { return (bits & bit(x)) != 0; }

  friend bool operator==(const sandbox_parts&, const sandbox_parts&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, sandbox_parts& x) {
    return f(x.bits);
  }

private:
  static constexpr std::uint32_t bit(sandbox_part x) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(x);
  }
};

/// `level`, `timeout`, `memory`, …: as workflow files spell it.
std::string_view to_string(sandbox_part x) noexcept;
/// The inverse.
std::optional<sandbox_part> sandbox_part_from_string(std::string_view name) noexcept;

} // namespace maze::core
