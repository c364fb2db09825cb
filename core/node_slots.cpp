#include "maze/core/node_slots.hpp"

#include "maze/core/ensure.hpp"

#include <algorithm>

namespace maze::core {

node_slots::node_slots(options settings) : options_(settings), free_(settings.total) {}

slot_actions node_slots::offered(attempt_id attempt, const resources& needs) {
  const auto same = [attempt](const held& x) { return x.attempt == attempt; };
  if (running_.count(attempt) != 0 || std::any_of(waiting_.begin(), waiting_.end(), same))
    return {};
  const bool starts_at_once =
      waiting_.empty() && running_.size() < options_.slots_max && free_.fits(needs);
  if (draining_ || !options_.total.fits(needs)
      || (!starts_at_once && waiting_.size() >= options_.waiting_max))
    return {refuse_attempt{attempt}};
  waiting_.push_back({attempt, needs, slot_id{}});
  return start_what_fits();
}

slot_actions node_slots::ended(attempt_id attempt) {
  if (const auto found = running_.find(attempt); found != running_.end()) {
    free_.give_back(found->second.needs);
    free_slots_.insert(found->second.slot.value);
    running_.erase(found);
  } else {
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(),
                                    [attempt](const held& x) { return x.attempt == attempt; });
    if (waits == waiting_.end())
      return {};
    waiting_.erase(waits);
  }
  return start_what_fits();
}

void node_slots::drain() noexcept { draining_ = true; }

slot_actions node_slots::start_what_fits() {
  slot_actions started;
  while (!waiting_.empty() && running_.size() < options_.slots_max
         && free_.fits(waiting_.front().needs)) {
    auto next = waiting_.front();
    waiting_.pop_front();
    if (free_slots_.empty())
      free_slots_.insert(next_slot_++);
    next.slot = slot_id{*free_slots_.begin()};
    free_slots_.erase(free_slots_.begin());
    free_.take(next.needs);
    started.emplace_back(start_attempt{next.attempt, next.slot});
    running_.emplace(next.attempt, next);
  }
  return started;
}

void node_slots::check_invariants() const {
  auto used = free_;
  std::set<std::uint64_t> slots = free_slots_;
  for (const auto& [attempt, entry] : running_) {
    used.give_back(entry.needs);
    ensure(slots.insert(entry.slot.value).second, "a slot holds one attempt");
    ensure(entry.attempt == attempt, "an attempt is known by its own token");
  }
  ensure(used == options_.total, "what is free and what runs is what the node has");
  ensure(slots.size() == next_slot_, "every slot is free or in use");
  ensure(running_.size() <= options_.slots_max, "no more run than there are slots");
  ensure(waiting_.size() <= options_.waiting_max, "no more wait than allowed");
  ensure(waiting_.empty() || running_.size() == options_.slots_max
             || !free_.fits(waiting_.front().needs),
         "nothing waits that has its resources");
}

} // namespace maze::core
