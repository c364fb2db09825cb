#pragma once

#include <iostream>
#include <optional>
#include <string>

/// Ends the running test case as skipped, with the reason, unless `probe` (a call that returns
/// std::optional<std::string>: the reason why the need is missing, or nothing) finds what it needs.
/// CTest reports the case as skipped because of the printed line.
#define MAZE_NEEDS(probe)                                                                          \
  do {                                                                                             \
    if (const std::optional<std::string> missing = (probe)) {                                      \
      std::cout << "SKIPPED: " << *missing << std::endl;                                           \
      return;                                                                                      \
    }                                                                                              \
  } while (false)
