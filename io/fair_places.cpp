#include "maze/io/fair_places.hpp"

#include <algorithm>
#include <map>

namespace maze::io {

std::optional<std::size_t> place_for(std::string_view newcomer,
                                     const std::vector<std::string_view>& taken) {
  std::map<std::string_view, std::size_t> places{{newcomer, 0}};
  for (const auto origin : taken)
    ++places[origin];
  const auto most =
      std::max_element(places.begin(), places.end(), [](const auto& left, const auto& right) {
        return left.second < right.second;
      });
  if (most->second < places[newcomer] + 2)
    return std::nullopt;
  const auto oldest = std::find(taken.begin(), taken.end(), most->first);
  return static_cast<std::size_t>(oldest - taken.begin());
}

} // namespace maze::io
