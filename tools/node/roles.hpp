#pragma once

#include "maze/core/permissions.hpp"
#include "maze/core/result.hpp"

#include <map>
#include <string>

namespace maze::node {

/// Names for sets of permissions, for join files.
using permission_roles = std::map<std::string, core::permission_set>;

/// Reads `analyst=read_files,network_access; ops=all`: names as those of nodes, each once, spaces where they help. Fails with
/// `invalid_argument` naming what is wrong.
core::result<permission_roles> read_roles(const std::string& text);

/// What the role permits. Fails with `invalid_argument` naming the roles that there are.
core::result<core::permission_set> find_role(const permission_roles& roles,
                                             const std::string& name);

} // namespace maze::node
