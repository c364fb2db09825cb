#pragma once

#include "maze/core/result.hpp"

#include <stop_token>

namespace maze::io {

/// Writes the content of `source`, from offset 0 to its end, into the empty file `target`: shared
/// blocks where the file system can (FICLONE), else copied by the kernel, else through memory.
/// Works across file systems. The content may be changing meanwhile: what `target` then holds is the
/// truth about what was copied. Holes stay holes. `cancelled` soon after `stop` was requested.
///
/// @note Blocks on disk. Moves the source's position.
core::result<void> copy_content(int source, int target, const std::stop_token& stop = {});

} // namespace maze::io
