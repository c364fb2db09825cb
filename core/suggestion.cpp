#include "maze/core/suggestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace maze::core {

namespace {

constexpr std::size_t word_length_max = 64;
constexpr std::size_t words_listed_max = 20;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

} // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> words) {
  if (typed.empty() || typed.size() > word_length_max)
    return std::nullopt;
  const std::string wanted = lower(typed);
  const std::size_t far = std::max<std::size_t>(1, typed.size() / 3);
  std::optional<std::string_view> best;
  std::size_t best_distance = far + 1;
  for (const auto word : words) {
    if (word.size() > typed.size() + far || typed.size() > word.size() + far)
      continue;
    const auto distance = edit_distance(wanted, lower(word));
    if (distance < best_distance && distance < word.size()) {
      best = word;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> words,
                         std::string_view intro) {
  if (const auto near = nearest(typed, words))
    return fmt::format("did you mean `{}`?", *near);
  if (words.empty())
    return {};
  std::string out = fmt::format("{} `{}`", intro, words.front());
  const auto listed = std::min(words.size(), words_listed_max);
  for (std::size_t i = 1; i < listed; ++i)
    out += fmt::format(", `{}`", words[i]);
  if (listed < words.size())
    out += fmt::format(" and {} more", words.size() - listed);
  return out;
}

} // namespace maze::core
