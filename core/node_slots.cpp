#include "maze/core/node_slots.hpp"

#include "maze/core/ensure.hpp"

#include <algorithm>
#include <iterator>

namespace maze::core {
namespace {

/// An attempt that time passed this often is not short, whoever waits behind it waits elsewhere.
constexpr std::uint32_t intervals_max = 2;
/// A lane that was asked to yield this long ago is in a long call: another one is asked as well.
constexpr std::uint32_t yield_intervals_max = 10;

/// The first `count` of the GPUs in `from`.
template <class Numbers>
std::vector<std::uint32_t> first_of(const Numbers& from, std::uint32_t count) {
  return {from.begin(), std::next(from.begin(), count)};
}

} // namespace

node_slots::node_slots(options settings) : options_(settings), free_(settings.total) {
  for (std::uint32_t gpu = 0; gpu < settings.total.gpus; ++gpu)
    free_gpus_.insert(free_gpus_.end(), gpu);
}

slot_actions node_slots::offered(attempt_id attempt, const resources& needs) {
  return take_in({.attempt = attempt, .needs = needs, .slot = {}, .before = {}});
}

slot_actions node_slots::lane_offered(attempt_id attempt, const resources& needs, run_id run) {
  return take_in({.attempt = attempt, .needs = needs, .slot = {}, .before = {}, .lane_of = run});
}

slot_actions node_slots::take_in(held entry) {
  const attempt_id attempt = entry.attempt;
  const resources& needs = entry.needs;
  const auto same = [attempt](const held& x) { return x.attempt == attempt; };
  if (running_.count(attempt) != 0 || std::any_of(waiting_.begin(), waiting_.end(), same)
      || find_lined_up(attempt) != next_.end())
    return {};
  const bool starts_at_once =
      waiting_.empty() && running_.size() < options_.slots_max && free_.fits(needs);
  if (draining_ || !options_.total.fits(needs)
      || (!starts_at_once && waiting() >= options_.waiting_max))
    return {refuse_attempt{attempt}};
  entry.arrival = ++arrivals_;
  waiting_.push_back(std::move(entry));
  return settle();
}

slot_actions node_slots::ended(attempt_id attempt) {
  if (const auto found = running_.find(attempt); found != running_.end()) {
    const slot_id slot = found->second.slot;
    free_.give_back(found->second.needs);
    free_gpus_.insert(found->second.gpus.begin(), found->second.gpus.end());
    open_.erase(attempt);
    lanes_ -= found->second.lane_of ? 1 : 0;
    running_.erase(found);
    if (auto next = next_.extract(slot))
      begin(std::move(next.mapped()));
    else
      free_slots_.insert(slot.value);
  } else if (const auto behind = find_lined_up(attempt); behind != next_.end()) {
    leave_line(behind);
  } else {
    const auto waits = std::find_if(waiting_.begin(), waiting_.end(),
                                    [attempt](const held& x) { return x.attempt == attempt; });
    if (waits == waiting_.end())
      return {};
    waiting_.erase(waits);
  }
  return settle();
}

slot_actions node_slots::returned(attempt_id attempt) {
  const auto behind = find_lined_up(attempt);
  if (behind == next_.end())
    return {};
  const held left = leave_line(behind);
  const held back{
      .attempt = attempt, .needs = left.needs, .slot = {}, .arrival = left.arrival, .before = {}};
  const auto later = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const held& x) { return x.arrival > back.arrival; });
  waiting_.insert(later, back);
  return settle();
}

slot_actions node_slots::time_passed() {
  slot_actions todo;
  for (auto& [attempt, entry] : running_)
    if (++entry.intervals >= intervals_max)
      open_.erase(attempt);
  for (auto& [slot, entry] : next_)
    if (++entry.intervals >= intervals_max && !entry.recalled)
      recall(entry, todo);
  ask_to_yield(todo);
  return todo;
}

std::size_t node_slots::lanes_of(run_id run) const {
  return static_cast<std::size_t>(std::count_if(
      running_.begin(), running_.end(), [run](const auto& x) { return x.second.lane_of == run; }));
}

void node_slots::ask_to_yield(slot_actions& todo) {
  if (lanes_ == 0 || waiting_.empty() || ++waiting_.front().intervals < intervals_max)
    return;
  const held& first = waiting_.front();
  held* longest = nullptr;
  for (auto& [attempt, entry] : running_) {
    if (!entry.lane_of)
      continue;
    if (entry.yielding && entry.intervals < yield_intervals_max)
      return;
    const bool may = !entry.yielding
                     && (!first.lane_of
                         || (first.lane_of != entry.lane_of
                             && lanes_of(*entry.lane_of) > lanes_of(*first.lane_of) + 1));
    if (may && (longest == nullptr || entry.arrival < longest->arrival))
      longest = &entry;
  }
  if (longest == nullptr)
    return;
  longest->yielding = true;
  longest->intervals = 0;
  todo.emplace_back(yield_lane{longest->attempt});
}

void node_slots::drain() noexcept { draining_ = true; }

slot_actions node_slots::settle() {
  slot_actions todo;
  // Whoever stands behind the one that was lined up may fit.
  do
    start_what_fits(todo);
  while (line_up_first(todo));
  recall_what_could_start(todo);
  return todo;
}

void node_slots::start_what_fits(slot_actions& todo) {
  while (!waiting_.empty() && running_.size() < options_.slots_max
         && free_.fits(waiting_.front().needs)) {
    auto next = waiting_.front();
    waiting_.pop_front();
    if (free_slots_.empty())
      free_slots_.insert(next_slot_++);
    next.slot = slot_id{*free_slots_.begin()};
    free_slots_.erase(free_slots_.begin());
    next.gpus = first_of(free_gpus_, next.needs.gpus);
    todo.emplace_back(start_attempt{next.attempt, next.slot, next.gpus});
    begin(std::move(next));
  }
}

void node_slots::begin(held entry) {
  free_.take(entry.needs);
  for (const std::uint32_t gpu : entry.gpus)
    free_gpus_.erase(gpu);
  entry.intervals = 0;
  if (entry.lane_of)
    ++lanes_;
  else
    open_.insert(entry.attempt);
  running_.emplace(entry.attempt, std::move(entry));
}

void node_slots::recall_what_could_start(slot_actions& todo) {
  if (next_.empty())
    return;
  for (auto [left, slots] = spare(); slots > 0; --slots) {
    held* oldest = nullptr;
    for (auto& [slot, entry] : next_)
      if (!entry.recalled && left.fits(entry.needs)
          && (oldest == nullptr || entry.arrival < oldest->arrival))
        oldest = &entry;
    if (oldest == nullptr)
      return;
    left.take(oldest->needs);
    recall(*oldest, todo);
  }
}

void node_slots::recall(held& entry, slot_actions& todo) {
  entry.recalled = true;
  todo.emplace_back(recall_attempt{entry.attempt, entry.slot});
}

bool node_slots::line_up_first(slot_actions& todo) {
  if (waiting_.empty() || waiting_.front().lane_of)
    return false;
  const auto& first = waiting_.front();
  const auto before = std::find_if(open_.begin(), open_.end(), [&](attempt_id attempt) {
    return running_.at(attempt).needs.fits(first.needs);
  });
  if (before == open_.end())
    return false;
  held next = first;
  waiting_.pop_front();
  next.slot = running_.at(*before).slot;
  next.before = *before;
  next.gpus = first_of(running_.at(*before).gpus, next.needs.gpus);
  open_.erase(before);
  todo.emplace_back(line_up_attempt{next.attempt, next.slot, next.gpus});
  next_.emplace(next.slot, next);
  return true;
}

node_slots::held node_slots::leave_line(follower who) {
  held left = std::move(who->second);
  next_.erase(who);
  if (running_.at(left.before).intervals < intervals_max)
    open_.insert(left.before);
  return left;
}

node_slots::follower node_slots::find_lined_up(attempt_id attempt) {
  return std::find_if(next_.begin(), next_.end(),
                      [attempt](const auto& x) { return x.second.attempt == attempt; });
}

std::pair<resources, std::size_t> node_slots::spare() const {
  resources left = free_;
  std::size_t slots = options_.slots_max - running_.size();
  for (const auto& [slot, entry] : next_)
    if (entry.recalled && slots > 0 && left.fits(entry.needs)) {
      left.take(entry.needs);
      --slots;
    }
  return {left, slots};
}

void node_slots::check_invariants() const {
  auto used = free_;
  std::set<std::uint64_t> slots = free_slots_;
  std::map<slot_id, resources> taken;
  for (const auto& [attempt, entry] : running_) {
    used.give_back(entry.needs);
    ensure(slots.insert(entry.slot.value).second, "a slot holds one attempt");
    ensure(entry.attempt == attempt, "an attempt is known by its own token");
    taken.emplace(entry.slot, entry.needs);
  }
  ensure(used == options_.total, "what is free and what runs is what the node has");
  ensure(slots.size() == next_slot_, "every slot is free or in use");
  ensure(running_.size() <= options_.slots_max, "no more run than there are slots");
  ensure(waiting() <= options_.waiting_max, "no more wait than allowed");
  ensure(waiting_.empty() || running_.size() == options_.slots_max
             || !free_.fits(waiting_.front().needs),
         "nothing waits that has its resources");
  const auto [left, spare_slots] = spare();
  for (const auto& [slot, entry] : next_) {
    ensure(taken.count(slot) == 1 && taken.at(slot).fits(entry.needs)
               && running_.at(entry.before).slot == slot,
           "what is lined up will have its resources");
    ensure(entry.recalled || spare_slots == 0 || !left.fits(entry.needs),
           "nothing stays lined up that could start");
  }
  for (const attempt_id attempt : open_) {
    const held& runs = running_.at(attempt);
    ensure(next_.count(runs.slot) == 0, "one at most is lined up in a slot");
    ensure(!runs.lane_of, "nothing is lined up behind a lane");
    ensure(waiting_.empty() || waiting_.front().lane_of || !runs.needs.fits(waiting_.front().needs),
           "nothing waits that can be lined up");
  }
  check_gpus();
}

void node_slots::check_gpus() const {
  std::set<std::uint32_t> gpus = free_gpus_;
  for (const auto& [attempt, entry] : running_) {
    ensure(entry.gpus.size() == entry.needs.gpus, "an attempt has as many GPUs as it needs");
    for (const std::uint32_t gpu : entry.gpus)
      ensure(gpus.insert(gpu).second, "a GPU is free or belongs to one attempt");
  }
  ensure(gpus.size() == options_.total.gpus && (gpus.empty() || *gpus.rbegin() < gpus.size()),
         "every GPU of the node is free or in use");
  for (const auto& [slot, entry] : next_) {
    const auto& before = running_.at(entry.before).gpus;
    ensure(entry.gpus.size() == entry.needs.gpus
               && std::includes(before.begin(), before.end(), entry.gpus.begin(), entry.gpus.end()),
           "what is lined up will have its GPUs from the one before it");
  }
}

} // namespace maze::core
