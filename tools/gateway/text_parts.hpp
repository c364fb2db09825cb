#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace maze::gateway {

/// How many bytes at the end of `text` are the beginning of a UTF-8 character that goes on.
std::size_t unfinished(std::string_view text) noexcept;

/// Cuts every text in `x` that has more than `most` bytes, at a character, and says behind it how many are missing.
void shorten(nlohmann::ordered_json& x, std::uint64_t most);

} // namespace maze::gateway
