#pragma once

#include "maze/sandbox/launcher.hpp"

namespace maze::sandbox {

/// Starts a child at `level` that does nothing, and waits for its end: whether all of that level's set-up works here, for a
/// child of `user`. Fails with what failed.
///
/// @pre the launcher's context runs in another thread
core::result<void> try_level(launcher& with, core::sandbox_level level,
                             const std::optional<child_user>& user);

} // namespace maze::sandbox
