#pragma once

#include "maze/core/error.hpp"

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace maze::core {

/// A value, or the error that took its place.
template <class T>
using result = tl::expected<T, error>;

/// For `return fail(errc::not_found, "…");` from any function that returns a `result`.
inline tl::unexpected<error> fail(errc code, std::string message, std::string origin = {}) {
  return tl::unexpected<error>(
      error{.code = code, .message = std::move(message), .origin = std::move(origin)});
}

/// Hands an error of one result on to another.
inline tl::unexpected<error> fail(error what) { return tl::unexpected<error>(std::move(what)); }

} // namespace maze::core
