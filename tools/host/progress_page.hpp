#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace maze::host {

/// The page that a warm child shares with its node. Words of 8 bytes, as the machine has them:
///
/// | word | written by | what |
/// |---|---|---|
/// | 0 | child | calls that have begun |
/// | 1 | child | bytes of memory that it has in use, as of late |
/// | 2 | node | the startup token, which the child's `ready` repeats |
///
/// @note Not thread-safe. Stays mapped until the process ends.
class progress_page {
public:
  using clock = std::chrono::steady_clock;

  /// Closes `fd`; nothing where it is no such page.
  static std::optional<progress_page> map(int fd);

  [[nodiscard]] volatile std::uint64_t* begun() const noexcept { return words_; }
  [[nodiscard]] std::uint64_t token() const noexcept { return words_[2]; }
  /// Brings word 1 up to date, where that was long ago.
  void note_memory(clock::time_point now) noexcept;

private:
  explicit progress_page(volatile std::uint64_t* words) : words_(words) {}

  volatile std::uint64_t* words_;
  clock::time_point noted_{};
};

} // namespace maze::host
