#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace maze::sim {

/// The histories to live through: the one that `MAZE_SIM_SEED` names, else 0 to `MAZE_SIM_SEEDS` - 1,
/// else 0 to `usual` - 1.
inline std::vector<std::uint64_t> seeds(std::uint64_t usual) {
  if (const char* one = std::getenv("MAZE_SIM_SEED"))
    return {std::stoull(one)};
  if (const char* many = std::getenv("MAZE_SIM_SEEDS"))
    usual = std::stoull(many);
  std::vector<std::uint64_t> all(usual);
  for (std::uint64_t i = 0; i < usual; ++i)
    all[i] = i;
  return all;
}

} // namespace maze::sim
