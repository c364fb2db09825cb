#pragma once

#include <functional>
#include <sys/types.h>

namespace maze::sandbox::init {

/// Sends SIGKILL to every direct child of this process for which `spared` is false, and returns how
/// many there were. Only direct children are signalled: their pids are ours until we reap them, so
/// nobody else can be hit. Their own children come to this process, a subreaper, as they die, and
/// fall in the next round.
///
/// @returns -1 where the kernel does not list children (CONFIG_PROC_CHILDREN).
int kill_children(const std::function<bool(pid_t)>& spared);

/// Whether this process has a direct child that is not `known`: one that another child made as its own sibling
/// (CLONE_PARENT), or an orphan. `list` is its /proc/thread-self/children, opened by this thread; looked at after each
/// child, so it stays open.
bool has_unknown_child(int list, const std::function<bool(pid_t)>& known);

/// Kills and reaps until this process has no child left.
void end_all_children();

} // namespace maze::sandbox::init
