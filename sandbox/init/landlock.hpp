#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// The version of Landlock that this kernel has (landlock_create_ruleset(2)); 0: none, or switched off.
int landlock_version();

/// The second wall of a sealed child, behind its root: it may read and run what it sees, and write to its taskspace, to
/// what its request names, to /tmp, /dev and its own /proc; signals and abstract sockets reach nobody outside, and
/// without a network no TCP either, each as far as `version` knows it.
///
/// @pre `version > 0`, the child is in its own root and no_new_privs is set
failure restrict_files(const spawn_plan& plan, int version);

} // namespace maze::sandbox::init
