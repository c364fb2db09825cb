#pragma once

#include "maze/core/result.hpp"

namespace maze::io {

/// Writes the content of `source`, from offset 0 to its end, into the empty file `target`: shared
/// blocks where the file system can (FICLONE), else copied by the kernel, else through memory.
/// Works across file systems. The content may be changing meanwhile: what `target` then holds is the
/// truth about what was copied.
///
/// @note Blocks on disk.
core::result<void> copy_content(int source, int target);

} // namespace maze::io
