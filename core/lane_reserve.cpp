#include "maze/core/lane_reserve.hpp"

namespace maze::core {

void lane_reserve::client_gone(instant now) noexcept {
  client_ = false;
  kept_until_ = now + limits_.absence_max;
}

void lane_reserve::waited(std::chrono::nanoseconds time, const lane_demand& demand,
                          instant now) noexcept {
  if (!demand.calls_wait && time >= limits_.slot_patience)
    again_ = now + limits_.pause;
}

std::size_t lane_reserve::kept(const lane_demand& demand, instant now) const noexcept {
  const bool worth_it =
      demand.takes_calls && losses_ < limits_.losses_max && (client_ || now < kept_until_);
  return worth_it ? limits_.lanes_min : 0;
}

bool lane_reserve::wants_lane(const lane_demand& demand, instant now) const noexcept {
  return demand.calls_wait || (demand.lanes < kept(demand, now) && now >= again_);
}

} // namespace maze::core
