#pragma once

#include "maze/sandbox/launcher.hpp"

#include <future>

namespace maze::sandbox {

/// Starts a child at `level` that does nothing: whether all of that level's set-up works here, for a child of `user`. The
/// answer fails with what failed.
///
/// @pre the launcher's context runs in another thread
std::future<core::result<void>> begin_trial(launcher& with, core::sandbox_level level,
                                            const std::optional<child_user>& user);

/// The same, and waits for the answer.
core::result<void> try_level(launcher& with, core::sandbox_level level,
                             const std::optional<child_user>& user);

} // namespace maze::sandbox
