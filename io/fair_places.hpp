#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace maze::io {

/// When all places are taken: which of them a newcomer gets, so that one origin cannot lock the
/// others out. It is the oldest place of the origin that has the most, provided that this origin
/// still has at least as many as the newcomer's afterwards; else there is none.
/// @param taken  The origin of each place, oldest first.
std::optional<std::size_t> place_for(std::string_view newcomer,
                                     const std::vector<std::string_view>& taken);

} // namespace maze::io
