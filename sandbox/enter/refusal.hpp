#pragma once

namespace maze::sandbox::enter {

/// What an engine's program answers where it could not run a container, and what runs in its place does, too.
constexpr int refused = 125;

/// Says on the standard error which step failed, and why by errno.
/// @return `refused`
int refuse(const char* step);

} // namespace maze::sandbox::enter
