#pragma once

#include "maze/core/error.hpp"

#include <caf/error.hpp>

#include <string>

namespace maze::actors {

/// The category of maze's own errors inside `caf::error`.
inline constexpr auto error_category = caf::atom("maze");

/// Wraps an error of the lower layers; nothing of it is lost.
caf::error to_caf(const core::error& what);
/// The inverse; an error of CAF itself becomes `scheduler_error` with CAF's own words.
core::error from_caf(const caf::error& what);

} // namespace maze::actors
