#include "node/card_listing.hpp"

#include <nlohmann/json.hpp>

namespace maze::node {

nlohmann::ordered_json isolation_json(const core::isolation& card) {
  if (!card.began)
    return nullptr;
  auto fences = nlohmann::ordered_json::array();
  for (const core::fence each : core::all_fences())
    if (card.has(each))
      fences.push_back(core::to_string(each));
  return {{"requested", core::to_string(card.requested)},
          {"level", core::to_string(card.level())},
          {"fences", std::move(fences)}};
}

} // namespace maze::node
