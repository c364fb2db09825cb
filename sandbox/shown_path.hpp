#pragma once

#include "maze/core/result.hpp"
#include "maze/sandbox/launcher.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace maze::sandbox {

/// What a path of this machine leads to, for an engine that shows it to a container with the rights of root, and by name: so all folders above it
/// are root's or this process's, nobody else can put another one in their place, and `user`, where there is one, may enter them. Fails with `not_found`, and
/// with `permission_denied` naming the folder; also for what is nobody's to show: /proc, the root and /dev as a whole.
/// @param readable  it is a file that `user` must be able to read
core::result<std::filesystem::path>
shown_path(const std::string& path, const std::optional<child_user>& user, bool readable = false);

} // namespace maze::sandbox
