#pragma once

#include "maze/core/permissions.hpp"
#include "maze/core/result.hpp"

#include <string>
#include <string_view>

namespace maze::core {

/// `read_files,network_access`, in the order of the bits; `all` or `none`.
std::string to_list(permission_set x);

/// The inverse, from what people write: names in any order with commas, perhaps with blanks behind these, `all` or `none`. Fails with `invalid_argument` naming
/// the word that is no permission.
result<permission_set> permissions_from_list(std::string_view text);

/// What both permit.
permission_set both(permission_set a, permission_set b) noexcept;

} // namespace maze::core
