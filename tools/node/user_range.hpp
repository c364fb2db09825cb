#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <filesystem>

namespace maze::node {

/// User ids for the children of one root node that no other node of this machine uses meanwhile, so that
/// nobody's child can signal or trace another's. Held as long as a lock on a file is.
class user_range {
public:
  /// Above what login users, containers and systemd use. Source: https://systemd.io/UIDS-GIDS
  static constexpr std::uint32_t first_of_all = 1'900'000'000;
  /// How many ids a node gets, and how many nodes there can be.
  static constexpr std::uint32_t size = 1 << 16;
  static constexpr std::uint32_t ranges_max = 3000;

  /// Takes the lowest range that is free. `folder`, where the locks lie, is made when missing. Fails with
  /// `resource_exhausted` when all are taken.
  static core::result<user_range> claim(const std::filesystem::path& folder);

  [[nodiscard]] std::uint32_t first() const noexcept { return first_; }

private:
  user_range(std::uint32_t first, io::unique_fd lock) : first_(first), lock_(std::move(lock)) {}

  std::uint32_t first_;
  io::unique_fd lock_;
};

} // namespace maze::node
