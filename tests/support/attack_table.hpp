#pragma once

#include "maze/core/isolation.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace maze::test {

/// The limit of a way that is gone alone: what it tries is to get past that.
enum class under : std::uint8_t { nothing, memory, processes, open_files, file_size, cpu_time };

/// What stands against a way at one level.
struct answer {
  /// The answers of maze-attack, or causes of its end, of which one must come; empty: the way is not gone at this level.
  const char* any_of = "";
  /// Bits of `core::fence`: the report card has each of them. 0: the level promises nothing, and the answer tells what
  /// happens without a promise.
  std::uint16_t fences = 0;
};

/// One way to try an attack, by the name that maze-attack has for it.
struct way {
  const char* name;
  answer sealed;
  answer subprocess;
  /// At level seccomp with a network; empty: as without.
  answer networked = {};
  under limit = under::nothing;
};

/// A test that shows more of it than an answer can: the file, below tests/, and the name of the case.
struct proof {
  const char* file;
  const char* name;
};

struct attack_row {
  /// 1 to 48 as in the design of the sandbox, where each has its source; ours go on from there.
  int number;
  const char* what;
  std::vector<way> ways;
  std::vector<proof> proofs = {};
};

/// All of them, by number.
std::span<const attack_row> attack_table();

} // namespace maze::test
