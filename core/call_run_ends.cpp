#include "maze/core/call_run.hpp"
#include "maze/core/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

// How calls end, and how they come back from lanes.
namespace maze::core {

namespace {

error not_wanted() {
  return {.code = errc::cancelled, .message = "the call was cancelled", .origin = "calls"};
}

} // namespace

call_step call_run::cancel_calls(std::span<const call_number> calls) {
  call_step step;
  std::set<call_number> out;
  for (const auto call : calls) {
    if (!books_.known(call))
      continue;
    const auto state = books_.at(call).state;
    if (state == call_state::waiting || state == call_state::ready)
      end_badly(step, call, not_wanted());
    else if (state == call_state::out && stopping_.insert(call).second)
      out.insert(call);
  }
  if (!out.empty())
    lanes_.visit([&](const call_lane& each) {
      for (const auto call : each.held())
        if (out.count(call) > 0)
          step.stop.push_back({each.id, call});
    });
  std::sort(step.stop.begin(), step.stop.end());
  finish(step);
  return step;
}

result<call_step> call_run::replied(lane_id lane, std::string message) {
  const auto from = speaker(lane);
  if (!from)
    return fail(from.error());
  auto& speaking = **from;
  const auto view = call_message_view::of(message);
  if (!view)
    return break_lane(speaking, view.error().message);
  if (const auto fits = judge(speaking, *view); !fits)
    return break_lane(speaking, fits.error().message);
  const auto count = static_cast<std::uint32_t>(view->size());
  lanes_.note_pace(speaking, count,
                   std::chrono::nanoseconds(static_cast<std::int64_t>(
                       std::min<std::uint64_t>(view->header().busy_ns, INT64_MAX))));
  speaking.drop(count);
  speaking.alone = speaking.alone && speaking.size() > 0;
  lanes_.settle(speaking);
  call_step step;
  settle_replies(step, std::move(message));
  finish(step);
  return step;
}

result<call_step> call_run::returned(lane_id lane, std::span<const call_number> calls) {
  const auto from = speaker(lane);
  if (!from)
    return fail(from.error());
  if (!(*from)->remove(calls))
    return break_lane(**from, "it returned calls that it did not have");
  call_step step;
  std::vector<call_number> sorted(calls.begin(), calls.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  for (const auto call : sorted)
    give_back(step, call);
  (*from)->alone = (*from)->alone && (*from)->size() > 0;
  lanes_.settle(**from);
  finish(step);
  return step;
}

call_step call_run::lane_closed(lane_id lane) {
  call_step step;
  auto* const found = lanes_.find(lane);
  if (!found)
    return step;
  const auto held = found->held();
  // From the last to the first, so that the oldest is first again.
  for (auto i = held.size(); i-- > 0;)
    give_back(step, held[i]);
  lanes_.remove(*found);
  finish(step);
  return step;
}

call_step call_run::lane_lost(lane_id lane, std::optional<call_number> culprit,
                              const error& reason) {
  call_step step;
  auto* const found = lanes_.find(lane);
  if (!found)
    return step;
  const std::vector<call_number> held(found->held().begin(), found->held().end());
  lanes_.remove(*found);
  // Whoever is blamed without having been there tells nothing about the others.
  const bool known = culprit && std::find(held.begin(), held.end(), *culprit) != held.end();
  for (auto i = held.size(); i-- > 0;)
    if (known && held[i] == *culprit && reason.code != errc::node_lost)
      charge(step, held[i], reason);
    else
      lose(step, held[i], !known || held[i] == *culprit, reason);
  finish(step);
  return step;
}

result<call_lane*> call_run::speaker(lane_id lane) {
  auto* const found = lanes_.find(lane);
  if (found && !found->broken)
    return found;
  ++stale_;
  return fail(errc::stale, fmt::format("lane {} is gone", lane.value), "calls");
}

tl::unexpected<error> call_run::break_lane(call_lane& lane, std::string why) {
  lane.broken = true;
  lanes_.settle(lane);
  return fail(errc::malformed, fmt::format("lane {}: {}", lane.id.value, why), "calls");
}

result<void> call_run::judge(const call_lane& lane, const call_message_view& message) {
  const auto bad = [](std::string why) { return fail(errc::malformed, std::move(why)); };
  if (message.header().kind != call_kind::replies || message.size() == 0)
    return bad("a message that is not one of replies");
  const auto held = lane.held();
  if (message.size() > held.size())
    return bad("more replies than it has calls");
  codes_.assign(message.size(), errc::none);
  std::size_t at = 0;
  std::size_t i = 0;
  for (; i < message.size(); ++i) {
    const auto each = message.entry(i);
    if (each.number != held[i])
      return bad(fmt::format("a reply for call {} in place of call {}", each.number, held[i]));
    if (each.word > static_cast<std::uint32_t>(call_outcome::failed))
      return bad(fmt::format("an outcome of call {} that there is not", each.number));
    if (each.word == static_cast<std::uint32_t>(call_outcome::failed)) {
      const auto reason = from_binary<error>(message.payloads().substr(at, each.size), "error");
      if (!reason)
        return bad(reason.error().message);
      if (reason->code == errc::none)
        return bad(fmt::format("call {} failed without a reason", each.number));
      codes_[i] = reason->code;
    }
    at += each.size;
  }
  return {};
}

bool call_run::may_retry(call_number call, errc code) const noexcept {
  return !cancelled_ && is_retryable(code) && books_.at(call).failures < options_.retries
         && (stopping_.empty() || stopping_.count(call) == 0);
}

void call_run::settle_replies(call_step& step, std::string message) {
  const auto all = call_message_view::of(message);
  bool whole = true;
  for (std::size_t i = 0; i < codes_.size(); ++i)
    if (codes_[i] != errc::none
        && may_retry(static_cast<call_number>(all->entry(i).number), codes_[i]))
      whole = false;
  if (!whole) {
    std::size_t i = 0;
    all->for_each([&](const call_entry& each, std::string_view payload) {
      const auto call = static_cast<call_number>(each.number);
      const auto code = codes_[i++];
      if (code == errc::none || !may_retry(call, code)) {
        writer_.add(each.number, each.word, payload);
        return;
      }
      auto& record = books_.at(call);
      ++record.failures;
      record.losses = 0;
      ++retried_;
      books_.send_back(call, false);
    });
    message.clear();
    if (writer_.empty())
      return;
    writer_.finish(call_kind::replies, message, all->header().busy_ns);
  }
  const auto block = deliver(step, std::move(message));
  const auto ended = call_message_view::of(step.results.back());
  auto at = static_cast<std::uint32_t>(call_header_size + ended->size() * call_entry_size);
  for (std::size_t i = 0; i < ended->size(); ++i) {
    const auto each = ended->entry(i);
    const auto call = static_cast<call_number>(each.number);
    if (!stopping_.empty())
      stopping_.erase(call);
    if (each.word == static_cast<std::uint32_t>(call_outcome::returned))
      books_.complete(call, {block, at}, each.size);
    else
      books_.fail(call, fallen_);
    at += each.size;
  }
  note_fallen(step);
}

void call_run::give_back(call_step& step, call_number call) {
  if (cancelled_)
    end_badly(step, call, *cancelled_);
  else if (stopping_.count(call) > 0)
    end_badly(step, call, not_wanted());
  else
    books_.send_back(call, true);
}

void call_run::lose(call_step& step, call_number call, bool suspect, const error& reason) {
  if (!suspect || cancelled_)
    return give_back(step, call);
  auto& record = books_.at(call);
  if (record.losses >= options_.free_retries)
    return charge(step, call, reason);
  ++record.losses;
  give_back(step, call);
}

void call_run::charge(call_step& step, call_number call, const error& reason) {
  if (!may_retry(call, reason.code))
    return end_badly(step, call,
                     cancelled_                  ? *cancelled_
                     : stopping_.count(call) > 0 ? not_wanted()
                                                 : reason);
  auto& record = books_.at(call);
  ++record.failures;
  record.losses = 0;
  ++retried_;
  books_.send_back(call, true);
}

void call_run::end_badly(call_step& step, call_number call, const error& reason) {
  stopping_.erase(call);
  books_.fail(call, fallen_);
  note_end(step, call, to_binary(reason));
  note_fallen(step);
}

void call_run::note_fallen(call_step& step) {
  std::optional<call_number> root;
  std::string reason;
  if (cancelled_ && !fallen_.empty())
    reason = to_binary(*cancelled_);
  for (const auto& each : fallen_) {
    if (!cancelled_ && root != each.upstream)
      reason = to_binary(error{
          .code = errc::upstream_failed,
          .message = fmt::format("call {}, on which this one depends, failed", each.upstream)});
    root = each.upstream;
    note_end(step, each.call, reason);
  }
  fallen_.clear();
}

void call_run::note_end(call_step& step, call_number call, std::string_view reason) {
  ends_.add(call, static_cast<std::uint32_t>(call_outcome::failed), reason);
  if (ends_.size() >= options_.message_bytes_max)
    flush_ends(step);
}

void call_run::flush_ends(call_step& step) {
  if (ends_.empty())
    return;
  std::string message;
  ends_.finish(call_kind::replies, message);
  deliver(step, std::move(message));
}

std::uint32_t call_run::deliver(call_step& step, std::string message) {
  const auto block = books_.keep(message);
  unread_bytes_ += message.size();
  unread_.push_back({block, message.size()});
  step.results.push_back(std::move(message));
  return block;
}

} // namespace maze::core
