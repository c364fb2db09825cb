#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace maze::core {

/// How many single-character edits turn `a` into `b`: insertions, deletions, replacements, and swaps
/// of two neighbours. Source: the restricted Damerau-Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word nearest to `typed` if it is near enough to be meant: at most a third of its length away,
/// one edit for short words; letter case counts nothing. Ties go to the earlier word.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> words);

/// "did you mean `x`?", or, with nothing near, "<intro> `x`, `y` …" naming at most 20 words; empty
/// where there is no word at all.
std::string did_you_mean(std::string_view typed, std::span<const std::string_view> words,
                         std::string_view intro);

} // namespace maze::core
