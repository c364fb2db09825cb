#pragma once

#include "maze/sandbox/init/spawn.hpp"

#include <string>

namespace maze::sandbox::init {

/// How maze-init may make namespaces.
enum class privilege : std::uint8_t {
  /// It makes them with the node's own rights.
  own = 1,
  /// It lives in a user namespace that maps its uid and gid to themselves.
  user_namespace = 2,
  /// Not at all.
  none = 3,
};

/// Tries in throw-away children which of the three works here.
privilege probe_privilege();

/// Moves the calling process, which must be the first of a fresh user, pid and mount namespace, on:
/// maps its ids and mounts its /proc.
bool settle_in_user_namespace(std::uint32_t uid, std::uint32_t gid);

/// Tries everything else that `hello` tells; called in maze-init once its privilege is settled.
/// @param scratch  The folder in which overlays are tried; empty: that for temporary files.
protocol::hello probe_capabilities(privilege how, const surroundings& around,
                                   const std::string& scratch);

} // namespace maze::sandbox::init
