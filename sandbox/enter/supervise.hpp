#pragma once

#include "maze/sandbox/enter_block.hpp"

#include <functional>
#include <optional>

namespace maze::sandbox::enter {

/// What shells answer where a program cannot be run.
constexpr int cannot_begin = 126;

/// Where a task runs, and what connects it with the node.
struct surroundings {
  /// Where its block came from: at its end of file everything ends.
  int input = 0;
  /// Signals for the task come from here, a byte each, and at its end of file everything ends; -1: there is no such line.
  int line = -1;
  /// Run in the task's own process before everything else; tells the step that failed, with errno set, or null. Empty: the container is as it should be.
  std::function<const char*()> furnish;
};

/// Reads one block; nothing where the other end closed before it was whole, or it is none.
std::optional<block> read_block(int from);

/// Runs a task until it has ended or nobody waits for it any more, kills all that is left of it, and writes the report. The caller is the first
/// process of its container, and has no child.
/// @return the exit status, as shells tell it
int supervise(const block& how, const surroundings& where);

} // namespace maze::sandbox::enter
