#include "maze/core/codec.hpp"
#include "sim/call_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

// The lanes of the world: children that work, lie, die and close.
namespace maze::sim {

namespace {

const core::error crash{.code = core::errc::worker_crash, .message = "signal 11"};
const core::error node_gone{.code = core::errc::node_lost, .message = "silent"};

} // namespace

std::uint64_t call_world::any_lane() {
  if (lanes_.empty())
    return 0;
  return std::next(lanes_.begin(), dice_.below(static_cast<std::uint32_t>(lanes_.size())))->first;
}

void call_world::open() {
  const auto name = next_lane_++;
  lanes_[name];
  const bool answered = std::exchange(wanted_, false);
  auto step = run_.lane_opened(core::lane_id{name});
  if (answered && !step.want_lane && run_.wants_lane())
    rule(false, "a further lane is wanted in silence");
  perform(step);
}

void call_world::work(std::uint64_t lane, std::uint32_t calls) {
  for (auto& child = lanes_.at(lane); calls > 0 && !child.queue.empty(); --calls) {
    const auto number = child.queue.front();
    auto& x = calls_[number];
    ++x.began;
    if (x.what == fate::kills && faults_ && dice_.percent(70)) {
      // What was done is on its way; only the one at work may be to blame.
      flush(lane);
      if (dice_.percent(50))
        while (lanes_.count(lane) > 0 && !lanes_.at(lane).on_the_way.empty())
          deliver(lane);
      if (lanes_.count(lane) > 0)
        kill(lane, number, dice_.percent(80) ? crash : node_gone);
      return;
    }
    child.queue.pop_front();
    const bool flaky = x.what == fate::flaky && x.began <= x.bad;
    if (x.what != fate::fails && !flaky) {
      child.done.add(number, 0, x.result);
      continue;
    }
    const core::error why{.code =
                              flaky ? core::errc::resource_exhausted : core::errc::user_exception};
    child.done.add(number, 1, core::to_binary(why));
  }
}

void call_world::flush(std::uint64_t lane) {
  auto& child = lanes_.at(lane);
  if (!child.done.empty())
    child.done.finish(core::call_kind::replies, child.on_the_way.emplace_back(),
                      dice_.below(30'000'000));
}

void call_world::deliver(std::uint64_t lane) {
  auto& child = lanes_.at(lane);
  if (child.on_the_way.empty())
    return;
  auto message = std::move(child.on_the_way.front());
  child.on_the_way.pop_front();
  const auto view = core::call_message_view::of(message).value();
  view.for_each([&](const core::call_entry& each, std::string_view payload) {
    auto& x = calls_[each.number];
    x.on_lane = 0;
    child.held.erase(child.held.begin());
    if (each.word == 0)
      return;
    x.lost = 0;
    const auto code = core::from_binary<core::error>(payload, "error").value().code;
    x.charged += core::is_retryable(code) ? 1 : 0;
  });
  auto step = run_.replied(core::lane_id{lane}, std::move(message));
  rule(step.has_value(), "an honest lane was not believed");
  perform(*step);
}

void call_world::kill(std::uint64_t lane, std::optional<core::call_number> culprit,
                      const core::error& why) {
  auto child = std::move(lanes_.at(lane));
  lanes_.erase(lane);
  ++tally_.lanes_lost;
  for (auto& each : child.on_the_way)
    stale_.emplace_back(lane, std::move(each));
  for (const auto number : child.held) {
    auto& x = calls_[number];
    x.on_lane = 0;
    if (culprit && number != *culprit)
      continue;
    const bool free = !culprit || why.code == core::errc::node_lost;
    if (free && x.lost < options_.free_retries) {
      ++x.lost;
      continue;
    }
    rule(!free || options_.free_retries == 0 || child.held.size() == 1,
         fmt::format("call {} is charged for a loss that may not be its own", number));
    tally_.alone += free ? 1 : 0;
    x.lost = 0;
    ++x.charged;
  }
  perform(run_.lane_lost(core::lane_id{lane}, culprit, why));
  for (const auto number : child.held)
    rule(calls_[number].ended
             || (calls_[number].charged <= options_.retries && !calls_[number].unwanted),
         fmt::format("call {} goes on after its last attempt", number));
}

void call_world::lose(std::uint64_t lane) {
  flush(lane);
  kill(lane, std::nullopt, dice_.percent(50) ? node_gone : crash);
}

/// Its child is killed if it is at work on that call.
void call_world::stop(std::uint64_t lane, core::call_number call) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end() || found->second.queue.empty() || found->second.queue.front() != call)
    return;
  flush(lane);
  while (lanes_.count(lane) > 0 && !lanes_.at(lane).on_the_way.empty())
    deliver(lane);
  if (lanes_.count(lane) > 0)
    kill(lane, call, {.code = core::errc::cancelled, .message = "stopped"});
}

void call_world::close(std::uint64_t lane) {
  auto& child = lanes_.at(lane);
  if (!std::exchange(child.closing, true))
    perform(run_.lane_closing(core::lane_id{lane}));
  if (dice_.percent(50) && !child.queue.empty()) {
    // The last few have not begun.
    const auto count = 1 + dice_.below(static_cast<std::uint32_t>(child.queue.size()));
    std::vector<core::call_number> back(child.queue.end() - count, child.queue.end());
    child.queue.erase(child.queue.end() - count, child.queue.end());
    child.held.erase(child.held.end() - count, child.held.end());
    for (const auto number : back)
      calls_[number].on_lane = 0;
    if (dice_.percent(50))
      std::reverse(back.begin(), back.end());
    perform(run_.returned(core::lane_id{lane}, back).value());
    if (dice_.percent(50))
      return;
  }
  flush(lane);
  while (!lanes_.at(lane).on_the_way.empty())
    deliver(lane);
  for (const auto number : lanes_.at(lane).held)
    calls_[number].on_lane = 0;
  lanes_.erase(lane);
  perform(run_.lane_closed(core::lane_id{lane}));
}

/// A lane says again what it said, or makes something up: it is to be ended.
void call_world::repeat(std::uint64_t lane) {
  auto& child = lanes_.at(lane);
  const auto number = child.held.size() > 1 ? child.held[1] : core::call_number{100'000};
  const auto answer = run_.replied(core::lane_id{lane},
                                   core::call_message(core::call_kind::replies, number, 0, "x"));
  rule(!answer && answer.error().code == core::errc::malformed, "a lie was believed");
  ++tally_.broken;
  kill(lane, std::nullopt, crash);
}

} // namespace maze::sim
