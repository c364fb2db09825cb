#pragma once

#include <sys/types.h>

namespace maze::io {

/// Makes a regular file that others had their hands on ours alone: owner and group of this process,
/// permission bits `mode`, no extended attributes. False where that cannot be done, where the file
/// has a second name, or where a descriptor or a shared mapping somewhere can still write to it; the
/// caller then copies instead. Owner and mode may have changed all the same.
///
/// @pre Nobody else reaches the file by a path any more.
bool take_over(int fd, mode_t mode);

} // namespace maze::io
