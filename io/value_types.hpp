#pragma once

#include "maze/core/value.hpp"

#include <span>
#include <string>
#include <string_view>

namespace maze::io {

/// The names that a parameter or an output can declare as its type.
std::span<const std::string_view> type_names() noexcept;
bool is_type_name(std::string_view name) noexcept;
/// What to write instead of a type that does not exist; knows the names of JSON Schema and Python.
std::string type_remedy(std::string_view name);
/// Whether a value written in a file can be passed as `type`: whole numbers also as float, text
/// also as path, null only as null and any; bytes cannot be written in a file.
bool fits_type(const core::value& x, std::string_view type) noexcept;
/// Whether something that a task yields with type `actual` can be passed as `wanted`.
bool fits_type(std::string_view actual, std::string_view wanted) noexcept;

} // namespace maze::io
