#pragma once

#include "maze/core/units.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace maze::core {

/// What a run of calls has and needs at one moment.
struct lane_demand {
  std::size_t lanes = 0;
  /// Calls wait for one more lane.
  bool calls_wait = false;
  /// Calls may still be handed in.
  bool takes_calls = true;
};

/// Decides how many lanes of a run stay ready without calls, and when one is asked for again. A lane that calls wait for
/// is wanted as long as they wait; one that is only to be kept ready stands in nobody's way for long, is kept for no
/// client that is gone, and for no child that dies before it answers anything. Knows no clock: the time is told.
///
/// @note Not thread-safe; one owner.
class lane_reserve {
public:
  struct limits {
    /// Lanes that stay ready, as far as nodes have room.
    std::uint32_t lanes_min = 0;
    /// Lanes in a row that were lost without an answer, before none is kept any more.
    std::uint32_t losses_max = 5;
    /// How long a lane that is only to be kept ready may wait for its slot.
    std::chrono::milliseconds slot_patience{2000};
    /// How long none of these is asked for after one waited in vain or gave its slot back.
    std::chrono::milliseconds pause{5000};
    /// How long lanes are kept for a client that has not come yet.
    std::chrono::milliseconds client_patience{60'000};
    /// How long they are kept for a client that is gone and may come back.
    std::chrono::milliseconds absence_max{5000};
  };

  lane_reserve(const limits& settings, instant now) noexcept
      : limits_(settings), kept_until_(now + settings.client_patience) {}

  void client_came() noexcept { client_ = true; }
  void client_gone(instant now) noexcept;
  /// A lane gave an answer.
  void answered() noexcept { losses_ = 0; }
  /// A lane's child died before it answered anything, and not because its node did.
  void lost_unanswered() noexcept { ++losses_; }
  /// A lane ended in good order: whoever else wanted its slot has it for a while.
  void gave_back(instant now) noexcept { again_ = now + limits_.pause; }
  /// The lane that was asked for has waited so long. To be followed by `wants_lane`.
  void waited(std::chrono::nanoseconds time, const lane_demand& demand, instant now) noexcept;

  /// Lanes that stay without calls.
  [[nodiscard]] std::size_t kept(const lane_demand& demand, instant now) const noexcept;
  /// Whether one lane more is to be asked for, or still to be waited for.
  [[nodiscard]] bool wants_lane(const lane_demand& demand, instant now) const noexcept;

private:
  limits limits_;
  bool client_ = false;
  /// Without a client lanes are kept until then.
  instant kept_until_;
  /// None is asked for that is only to be kept ready before then.
  instant again_{};
  std::uint32_t losses_ = 0;
};

} // namespace maze::core
