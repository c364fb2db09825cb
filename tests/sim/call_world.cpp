#include "sim/call_world.hpp"

#include "maze/core/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace maze::sim {

namespace {

core::call_run::options draw_options(dice& fate) {
  core::call_run::options out;
  out.retries = static_cast<std::uint8_t>(fate.below(3));
  out.free_retries = static_cast<std::uint8_t>(fate.below(4));
  out.pending_max = fate.percent(30) ? 20 : 1000;
  out.message_calls_max = 1 + fate.below(16);
  out.message_bytes_max = fate.percent(30) ? 200 : 100'000;
  out.results_window = fate.percent(40) ? 300 : 100'000;
  out.lanes.credit_min = 1 + fate.below(4);
  out.lanes.credit_max = out.lanes.credit_min + fate.below(20);
  out.lanes.few = fate.below(20);
  return out;
}

std::uint64_t mix(std::uint64_t so_far, std::string_view text) {
  for (const char c : text)
    so_far = (so_far ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return so_far;
}

} // namespace

call_world::call_world(std::uint64_t seed)
    : dice_(seed), options_(draw_options(dice_)), run_(options_), total_(20 + dice_.below(150)) {}

void call_world::live() {
  for (std::size_t i = 0; i < 600 && !over_; ++i)
    step();
  calm_down();
  rule(over_ && run_.is_over(), "the run is not over although nothing is left to do");
  for (const auto& each : calls_)
    rule(each.ended, "a call has not ended");
  while (!unread_.empty())
    read_some(1000);
  rule(run_.unread_bytes() == 0, "results are unread after all were read");
  rule(run_.kept_bytes() == 0,
       fmt::format("{} bytes are kept for calls that are over", run_.kept_bytes()));
  tally_.retried = run_.retried();
}

void call_world::step() {
  const auto lane = any_lane();
  switch (dice_.below(14)) {
  case 0:
  case 1:
    return submit();
  case 2:
    return submit_nonsense();
  case 3:
  case 4:
    return read_some(1 + dice_.below(400));
  case 5:
    return wanted_ || dice_.percent(10) ? open() : void();
  case 6:
  case 7:
    return lane ? work(lane, 1 + dice_.below(6)) : void();
  case 8:
    return lane ? flush(lane) : void();
  case 9:
  case 10:
    return lane ? deliver(lane) : void();
  case 11:
    return lane && dice_.percent(30) ? lose(lane) : void();
  case 12:
    return lane && dice_.percent(20) ? close(lane) : void();
  default:
    break;
  }
  if (dice_.percent(10))
    return cancel_some();
  if (lane && dice_.percent(5))
    return repeat(lane);
  if (!stale_.empty()) {
    auto [from, message] = stale_.back();
    stale_.pop_back();
    const auto step = run_.replied(core::lane_id{from}, std::move(message));
    rule(!step && step.error().code == core::errc::stale, "a lane that is gone was believed");
    ++tally_.stale;
    return;
  }
  if (all_submitted() && !closed_ && dice_.percent(50)) {
    closed_ = true;
    perform(run_.close());
  } else if (!cancelled_ && dice_.percent(1)) {
    cancelled_ = closed_ = true;
    total_ = calls_.size();
    perform(run_.cancel({.code = core::errc::cancelled, .message = "enough"}));
  }
}

/// Without faults, all that is left to do is done.
void call_world::calm_down() {
  faults_ = false;
  for (auto& each : calls_)
    if (each.what == fate::kills)
      each.what = fate::well;
  for (std::size_t i = 0; i < 100'000 && !over_; ++i) {
    if (!all_submitted())
      submit();
    else if (!std::exchange(closed_, true))
      perform(run_.close());
    if (wanted_)
      open();
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      const auto lane = (at++)->first;
      if (lanes_.at(lane).closing)
        close(lane);
      else
        work(lane, 100);
    }
    for (auto at = lanes_.begin(); at != lanes_.end();) {
      const auto lane = (at++)->first;
      flush(lane);
      deliver(lane);
    }
    read_some(10'000);
  }
}

// --- the client ----------------------------------------------------------------------------------

core::value call_world::draw_argument(core::call_number own, call& into) {
  if (own == 0 || dice_.percent(40))
    return dice_.percent(50) ? core::value(static_cast<std::int64_t>(dice_.below(1000)))
                             : core::value(std::string(dice_.below(40), 'x'));
  // Mostly a late one, so that long chains come about.
  const auto back = 1 + dice_.below(std::min<std::uint32_t>(own, dice_.percent(70) ? 8 : own));
  const auto other = own - back;
  if (calls_[other].read) {
    // Who has read the result has the value; of a call that failed there is none.
    ++tally_.inlined;
    return calls_[other].well ? core::decode(calls_[other].result).value() : core::value(nullptr);
  }
  if (dice_.percent(20)) {
    into.after.push_back(other);
    return core::value(nullptr);
  }
  into.wants.push_back(other);
  return core::value(core::result_of(other));
}

/// Draws a call; `given` are the arguments that its client writes.
call_world::call call_world::draw_call(core::call_number own, std::string& given) {
  call out;
  core::list written;
  core::list whole;
  written.emplace_back(static_cast<std::int64_t>(own));
  whole.push_back(written.back());
  for (auto n = dice_.below(4); n > 0; --n) {
    written.push_back(draw_argument(own, out));
    const auto* const other = written.back().as<core::object_ref>();
    whole.push_back(other ? core::decode(calls_[other->low].result).value() : written.back());
  }
  given = core::encode(core::value(std::move(written))).value();
  out.arguments = core::encode(core::value(std::move(whole))).value();
  const auto hash = mix(14695981039346656037U, out.arguments);
  const auto returned = hash % 3 == 0 ? core::value(std::string(hash % 64, 'r'))
                                      : core::value(static_cast<std::int64_t>(hash >> 1));
  out.result = core::encode(returned).value();
  const auto luck = dice_.below(100);
  out.what = luck < 80   ? fate::well
             : luck < 86 ? fate::fails
             : luck < 96 ? fate::flaky
                         : fate::kills;
  out.bad = 1 + dice_.below(3);
  return out;
}

void call_world::submit() {
  if (closed_ || all_submitted())
    return;
  const auto first = static_cast<core::call_number>(calls_.size());
  core::call_batch_writer writer(first);
  const auto count = std::min<std::size_t>(1 + dice_.below(20), total_ - first);
  for (std::size_t i = 0; i < count; ++i) {
    std::string given;
    calls_.push_back(draw_call(static_cast<core::call_number>(calls_.size()), given));
    auto wants = core::placeholders_in(given).value();
    for (const auto each : calls_.back().after)
      wants.push_back({each, core::order_only});
    writer.add(3, given, wants);
  }
  auto accepted = run_.submitted(writer.finish());
  if (!accepted) {
    rule(accepted.error().code == core::errc::limit_exceeded, accepted.error().message);
    calls_.resize(first);
    return;
  }
  rule(accepted->first == first && accepted->count == count, "a frame got other numbers");
  perform(accepted->step);
}

void call_world::submit_nonsense() {
  if (closed_)
    return;
  core::call_batch_writer writer(run_.next() + (dice_.percent(50) ? 1 : 0));
  writer.add(1, "argument");
  auto frame = writer.finish();
  if (frame[8] == static_cast<char>(run_.next()))
    frame.resize(dice_.below(static_cast<std::uint32_t>(frame.size())));
  const auto before = run_.counts();
  rule(!run_.submitted(std::move(frame)), "a frame that is none was taken");
  rule(run_.counts() == before, "something of a refused frame was taken");
}

void call_world::read_some(std::uint64_t bytes) {
  bytes = std::min(bytes, unread_bytes_);
  unread_bytes_ -= bytes;
  read_ahead_ += bytes;
  while (!unread_.empty() && read_ahead_ >= unread_.front().size()) {
    read_ahead_ -= unread_.front().size();
    core::call_message_view::of(unread_.front())
        ->for_each([&](const core::call_entry& each, std::string_view) {
          calls_[each.number].read = true;
        });
    unread_.pop_front();
  }
  rule(!run_.results_read(unread_bytes_ + bytes + 1), "more was read than was given");
  perform(run_.results_read(bytes).value());
}

void call_world::cancel_some() {
  std::vector<core::call_number> unwanted;
  for (auto n = 1 + dice_.below(3); n > 0 && !calls_.empty(); --n)
    // Some have ended, some have never been.
    unwanted.push_back(dice_.below(static_cast<std::uint32_t>(calls_.size() + 2)));
  for (const auto each : unwanted)
    if (each < calls_.size())
      calls_[each].unwanted = true;
  const auto before = calls_;
  perform(run_.cancel_calls(unwanted));
  for (const auto each : unwanted)
    rule(each >= before.size() || before[each].on_lane > 0 || calls_[each].ended,
         fmt::format("call {} waits although nobody wants it", each));
}

// --- what the run says ---------------------------------------------------------------------------

void call_world::stamp(std::string_view bytes) { fingerprint_ = mix(fingerprint_, bytes) * 31 + 7; }

void call_world::perform(const core::call_step& step) {
  std::vector<core::lane_call> to_stop;
  rule(!over_ || (step.send.empty() && step.results.empty() && !step.over),
       "a run that is over goes on");
  for (const auto& each : step.results)
    hear(each);
  rule(step.send.empty() || run_.unread_bytes() < options_.results_window,
       "calls are sent although the client does not read");
  for (const auto& each : step.send)
    receive(each);
  for (const auto each : step.drop)
    if (const auto at = lanes_.find(each.value); at != lanes_.end() && dice_.percent(50))
      at->second.closing = true;
  for (const auto& each : step.stop) {
    rule(calls_.at(each.call).on_lane == each.lane.value && calls_[each.call].unwanted,
         "a lane is to stop what it does not hold, or what is wanted");
    if (dice_.percent(70))
      to_stop.push_back(each);
  }
  if (step.want_lane) {
    rule(*step.want_lane != wanted_, "a lane is asked for twice, or withdrawn without need");
    wanted_ = *step.want_lane;
  }
  over_ = over_ || step.over;
  check();
  for (const auto& each : to_stop)
    stop(each.lane.value, each.call);
}

void call_world::check() const {
  run_.check_invariants();
  const auto& counts = run_.counts();
  rule(counts[0] + counts[1] + counts[2] + counts[3] + counts[4] == calls_.size(),
       "calls got lost or came twice");
  rule(run_.unread_bytes() == unread_bytes_, "client and run do not agree about what is unread");
  const bool window_open = run_.unread_bytes() < options_.results_window;
  rule(counts[1] == 0 || !window_open || run_.idle_lanes().empty(), "an idle lane gets nothing");
  rule(counts[1] == 0 || !window_open || !lanes_.empty() || wanted_, "no lane is asked for");
  rule(!wanted_ || counts[1] > 0, "a lane is wanted for nothing");
  for (const auto& [name, lane] : lanes_)
    rule(lane.held.size() <= options_.lanes.credit_max, "a lane holds more than its credit");
}

void call_world::receive(const core::lane_message& message) {
  stamp(message.bytes);
  const auto at = lanes_.find(message.lane.value);
  rule(at != lanes_.end() && !at->second.closing, "a lane that takes nothing was sent something");
  const auto view = core::call_message_view::of(message.bytes).value();
  rule(view.header().kind == core::call_kind::calls && view.size() > 0, "a strange message");
  rule(view.size() <= options_.message_calls_max, "a message of too many calls");
  view.for_each([&](const core::call_entry& each, std::string_view arguments) {
    auto& x = calls_.at(each.number);
    rule(!x.ended && x.on_lane == 0, fmt::format("call {} begins twice", each.number));
    rule(each.word == 3, "another function is called");
    for (const auto& list : {x.wants, x.after})
      for (const auto other : list)
        rule(calls_[other].well, fmt::format("call {} begins before call {}", each.number, other));
    rule(arguments == x.arguments, fmt::format("call {} got other arguments", each.number));
    x.on_lane = message.lane.value;
    at->second.queue.push_back(static_cast<core::call_number>(each.number));
    at->second.held.push_back(static_cast<core::call_number>(each.number));
  });
}

void call_world::hear(std::string_view results) {
  stamp(results);
  unread_.emplace_back(results);
  unread_bytes_ += results.size();
  tally_.window_full += unread_bytes_ >= options_.results_window ? 1 : 0;
  const auto view = core::call_message_view::of(results).value();
  rule(view.header().kind == core::call_kind::replies, "a strange message for the client");
  view.for_each([&](const core::call_entry& each, std::string_view payload) {
    auto& x = calls_.at(each.number);
    rule(!x.ended, fmt::format("call {} ends twice", each.number));
    x.ended = true;
    x.well = each.word == 0;
    if (x.well) {
      rule(payload == x.result, fmt::format("call {} has another result", each.number));
      ++tally_.completed;
      return;
    }
    x.code = core::from_binary<core::error>(payload, "error").value().code;
    judge_end(x, static_cast<core::call_number>(each.number), x.code);
  });
}

void call_world::judge_end(const call& x, core::call_number number, core::errc code) {
  const auto bad = [&](std::string_view why) {
    rule(false, fmt::format("call {} ended with {}, but {}", number, to_string(code), why));
  };
  if (code == core::errc::upstream_failed) {
    const auto failed = [&](core::call_number other) {
      return calls_[other].ended && !calls_[other].well;
    };
    ++tally_.fallen;
    if (std::none_of(x.wants.begin(), x.wants.end(), failed)
        && std::none_of(x.after.begin(), x.after.end(), failed))
      bad("nothing failed that it depends on");
  } else if (code == core::errc::cancelled) {
    ++tally_.cancelled;
    tally_.stopped += x.unwanted ? 1 : 0;
    if (!cancelled_ && !x.unwanted)
      bad("nobody cancelled it");
  } else if (code == core::errc::user_exception) {
    ++tally_.failed;
    if (x.what != fate::fails)
      bad("it never threw");
  } else {
    ++tally_.failed;
    if (!cancelled_ && !x.unwanted && x.charged != options_.retries + 1U)
      bad(fmt::format("{} attempts were charged", x.charged));
  }
}

} // namespace maze::sim
