#pragma once

#include "maze/core/result.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

namespace maze::gateway {

/// How deep arrays and objects may lie in each other: what is deeper could not be written again by a parser that recurses.
inline constexpr std::size_t json_depth_max = 100;

/// Reads foreign JSON, in which nothing may be lost: no key stands twice in an object, and whole numbers have at most 64 bits.
/// Fails with `malformed` saying what and where, with `limit_exceeded` where it is nested too deeply.
core::result<nlohmann::json> read_json(std::string_view text);

} // namespace maze::gateway
