#pragma once

#include "maze/sandbox/init/spawn.hpp"

#include <string>
#include <vector>

namespace maze::sandbox::init {

/// Replaces the root of the calling process' mount namespace by an empty one that shows `paths` of the machine, where there
/// are such, a few devices and a /proc of its own. Most of what a sealed child's root costs: slots do it once.
///
/// @pre mount and pid namespaces of its own, which nobody else is in
failure build_base(const std::vector<std::string>& paths);

/// Gives a sealed child its root and lets go of the machine's: its slot's base in a mount namespace of its own, read-only,
/// with what its request names beside it, its taskspace at the same path as outside, and an empty /tmp.
///
/// @pre its overlay is mounted
failure enter_root(const spawn_plan& plan);

} // namespace maze::sandbox::init
