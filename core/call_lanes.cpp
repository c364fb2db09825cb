#include "maze/core/call_lanes.hpp"

#include "maze/core/ensure.hpp"

#include <algorithm>
#include <utility>

namespace maze::core {

void call_pace::note(std::uint32_t calls, std::chrono::nanoseconds busy) noexcept {
  if (calls == 0)
    return;
  // Nobody counts beyond an hour a call, so that no sum overflows.
  constexpr std::int64_t longest = 3'600'000'000'000;
  const auto sample = std::clamp<std::int64_t>(busy.count() / calls, 0, longest);
  if (!std::exchange(known_, true)) {
    mean_ = sample;
    return;
  }
  // Few calls move the mean less than many, but a quarter each time at least: what has become slow shall
  // not go on being sent by the thousand.
  const auto weight = std::max<std::int64_t>(64, 256 * std::int64_t{calls} / (calls + 32));
  mean_ += (sample - mean_) * weight / 256;
}

std::uint32_t call_pace::credit(const lane_limits& limits) const noexcept {
  if (!known_)
    return limits.credit_min;
  const auto fitting = limits.credit_work.count() / std::max<std::int64_t>(mean_, 1);
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(fitting, limits.credit_min, limits.credit_max));
}

void call_lane::drop(std::uint32_t count) {
  head_ += count;
  if (head_ == held_.size()) {
    held_.clear();
    head_ = 0;
  } else if (head_ > held_.size() / 2) {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

bool call_lane::remove(std::span<const call_number> calls) {
  std::vector<call_number> gone(calls.begin(), calls.end());
  std::sort(gone.begin(), gone.end());
  if (std::adjacent_find(gone.begin(), gone.end()) != gone.end())
    return false;
  std::vector<call_number> left;
  for (const auto each : held())
    if (!std::binary_search(gone.begin(), gone.end(), each))
      left.push_back(each);
  if (left.size() + gone.size() != size())
    return false;
  held_ = std::move(left);
  head_ = 0;
  return true;
}

call_lane& call_lanes::open(lane_id name) {
  const auto [at, fresh] = lanes_.try_emplace(name, name);
  ensure(fresh, "a lane is opened once");
  auto& lane = at->second;
  lane.credit = pace_.credit(limits_);
  settle(lane);
  return lane;
}

call_lane* call_lanes::find(lane_id name) noexcept {
  const auto at = lanes_.find(name);
  return at == lanes_.end() ? nullptr : &at->second;
}

void call_lanes::remove(call_lane& lane) {
  unlist(lane);
  lanes_.erase(lane_id(lane.id));
}

void call_lanes::note_pace(call_lane& lane, std::uint32_t calls, std::chrono::nanoseconds busy) {
  lane.pace.note(calls, busy);
  pace_.note(calls, busy);
  lane.credit = lane.pace.credit(limits_);
}

call_lane::kind call_lanes::place_of(const call_lane& x) noexcept {
  if (x.closing || x.broken || x.alone || x.size() >= x.credit)
    return call_lane::kind::none;
  return x.size() == 0 ? call_lane::kind::idle : call_lane::kind::busy;
}

void call_lanes::settle(call_lane& lane) {
  const auto to = place_of(lane);
  // An idle lane keeps its turn; one that was served goes behind the others.
  if (to == lane.listed_ && to != call_lane::kind::busy)
    return;
  unlist(lane);
  lane.listed_ = to;
  if (to != call_lane::kind::none)
    append(to == call_lane::kind::idle ? idle_ : busy_, lane);
}

void call_lanes::unlist(call_lane& x) noexcept {
  if (x.listed_ != call_lane::kind::none)
    take_out(x.listed_ == call_lane::kind::idle ? idle_ : busy_, x);
  x.listed_ = call_lane::kind::none;
}

void call_lanes::append(list& to, call_lane& x) noexcept {
  x.before_ = to.last;
  x.after_ = nullptr;
  (to.last ? to.last->after_ : to.first) = &x;
  to.last = &x;
  ++to.size;
}

void call_lanes::take_out(list& from, call_lane& x) noexcept {
  (x.before_ ? x.before_->after_ : from.first) = x.after_;
  (x.after_ ? x.after_->before_ : from.last) = x.before_;
  --from.size;
}

std::vector<lane_id> call_lanes::idle_lanes() const {
  std::vector<lane_id> out;
  for (const auto* each = idle_.first; each; each = each->after_)
    out.push_back(each->id);
  return out;
}

bool call_lanes::are_few(std::size_t ready) const noexcept {
  return ready < limits_.few && pace_.known()
         && pace_.mean() * static_cast<std::int64_t>(ready) < limits_.few_work;
}

call_lane& call_lanes::to_fill() const noexcept {
  // The last of each list worked last: its child is most likely awake.
  return busy_.last ? *busy_.last : *idle_.last;
}

call_lane& call_lanes::next() const noexcept { return idle_.first ? *idle_.first : *busy_.first; }

void call_lanes::check_invariants() const {
  std::size_t listed = 0;
  for (const auto& [name, lane] : lanes_) {
    ensure(lane.id == name, "a lane knows its number");
    ensure(lane.listed_ == place_of(lane), "a lane is in the list that it belongs to");
    ensure(lane.size() <= std::max(lane.credit, limits_.credit_max), "a lane is within its credit");
    listed += lane.listed_ != call_lane::kind::none ? 1 : 0;
  }
  ensure(listed == with_room(), "all listed lanes exist");
}

} // namespace maze::core
