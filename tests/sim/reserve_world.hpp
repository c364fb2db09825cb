#pragma once

#include "maze/core/lane_reserve.hpp"
#include "sim/dice.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace maze::sim {

/// A run of calls on nodes whose slots are wanted by others too, with a client that comes and goes and children that
/// die as the seed says. `live` throws `broken_rule` when lanes are kept that should not be, stand in the way of
/// others, or are missing where nothing stands in theirs.
class reserve_world {
public:
  /// What happened in a history.
  struct tally {
    std::size_t kept = 0;
    std::size_t in_vain = 0;
    std::size_t given_back = 0;
    std::size_t deadly = 0;
    std::size_t absent = 0;
  };

  explicit reserve_world(std::uint64_t seed);
  void live();
  [[nodiscard]] const tally& happened() const noexcept { return tally_; }

private:
  void client();
  void nodes();
  void children();
  void tick();
  void check(bool wanted);
  [[nodiscard]] core::lane_demand demand() const {
    return {.lanes = lanes_, .calls_wait = calls_wait_, .takes_calls = takes_calls_};
  }

  dice dice_;
  core::lane_reserve::limits limits_;
  core::instant now_;
  core::lane_reserve sut_;
  bool faults_ = true;
  bool client_ = false;
  bool calls_wait_ = false;
  bool takes_calls_ = true;
  /// A slot of a node is free.
  bool room_ = true;
  std::size_t lanes_ = 0;
  std::optional<core::instant> asked_;
  /// When the last client went, or the run began.
  core::instant alone_since_;
  bool client_came_ = false;
  /// When a slot was last left to others.
  std::optional<core::instant> left_;
  std::uint32_t deaths_ = 0;
  tally tally_;
};

} // namespace maze::sim
