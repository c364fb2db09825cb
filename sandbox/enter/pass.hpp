#pragma once

namespace maze::sandbox::enter {

/// What the options of `maze-enter pass` say.
struct passing {
  unsigned uid = 0;
  unsigned gid = 0;
  /// Whether the current folder is the task's own.
  bool folder = false;
  /// The line to the container, the report and the input: descriptors of this process. What lies between 2 and the lowest of them is inherited by the task.
  int line = -1;
  int report = -1;
  int input = -1;
};

/// On the node, in the place of the task: hands all that it begins with to a container that stays, passes on signals, and ends as the task
/// ended; with the status `refused` and a sentence on the standard error where that was not possible.
int pass(const passing& x);

} // namespace maze::sandbox::enter
