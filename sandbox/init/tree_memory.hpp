#pragma once

#include <cstdint>
#include <sys/types.h>
#include <vector>

namespace maze::sandbox::init {

/// Memory of the processes `roots`, of all that descend from them, and of all that descend from `above`, which is not
/// counted itself; in bytes. Pages that several share count once among them (Pss). What lies in files in memory and
/// is not mapped is not seen, nor is a process that ends meanwhile. Needs a kernel with /proc/pid/smaps_rollup.
std::uint64_t memory_of_trees(const std::vector<pid_t>& roots, pid_t above);

} // namespace maze::sandbox::init
