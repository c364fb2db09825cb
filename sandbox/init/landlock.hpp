#pragma once

#include "maze/sandbox/init/spawn.hpp"

namespace maze::sandbox::init {

/// The version of Landlock that this kernel has (landlock_create_ruleset(2)); 0: none, or switched off.
int landlock_version();

/// The first version that can stand where namespaces would: it keeps signals in, and files from being cut short.
inline constexpr int walling_version = 6;

/// The second wall of a sealed child, behind its root: it may read and run what it sees, and write to its taskspace, to
/// what its request names, to /tmp and /dev; signals and abstract sockets reach nobody outside, and without a network no
/// TCP either, each as far as `version` knows it. Where it is the first wall (`plan.walled`), the child may read what it
/// would have been shown and all of /proc, and write to its taskspace, to what its request names and to a few devices.
///
/// @pre `version > 0`, at least `walling_version` where it is the first wall; the child is in its own root, if it has one,
/// and no_new_privs is set
failure restrict_files(const spawn_plan& plan, int version);

} // namespace maze::sandbox::init
