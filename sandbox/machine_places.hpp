#pragma once

#include <sys/stat.h>

namespace maze::sandbox {

/// Whether no task and no container may be shown what is open at `place`, whatever path led there: anything of the machine's
/// /proc, and as a whole its root, /dev, /dev/shm and /dev/pts.
/// @param place  also opened with O_PATH
/// @param found  what fstat(2) says of it
bool is_machines(int place, const struct stat& found);

} // namespace maze::sandbox
