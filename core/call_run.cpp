#include "maze/core/call_run.hpp"

#include "maze/core/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace maze::core {

call_run::call_run(const options& settings) : options_(settings), lanes_(settings.lanes) {}

result<calls_accepted> call_run::submitted(std::string frame) {
  if (cancelled_)
    return fail(*cancelled_);
  if (closed_)
    return fail(errc::invalid_argument, "this run was closed: it takes no more calls", "calls");
  const auto view = call_batch_view::of(frame, options_.frame_max);
  if (!view)
    return fail(view.error());
  if (view->first() != books_.next())
    return fail(view->first() < books_.next() ? errc::already_exists : errc::invalid_argument,
                fmt::format("a frame begins with call {}, the next is call {}", view->first(),
                            books_.next()),
                "calls");
  if (books_.pending() + view->size() > options_.pending_max)
    return fail(errc::limit_exceeded,
                fmt::format("{} calls have not ended and {} more came, at most {} are taken: wait "
                            "for results",
                            books_.pending(), view->size(), options_.pending_max),
                "calls");
  if (books_.kept_bytes() + frame.size() > options_.kept_bytes_max)
    return fail(
        errc::limit_exceeded,
        fmt::format("calls and results take {} bytes of the master, at most {} are kept: wait "
                    "for results",
                    books_.kept_bytes(), options_.kept_bytes_max),
        "calls");
  if (const auto checked = books_.check(*view); !checked)
    return fail(checked.error());
  calls_accepted out{.first = view->first(), .count = view->size(), .step = {}};
  fallen_ = books_.take(std::move(frame));
  note_fallen(out.step);
  finish(out.step);
  return out;
}

call_step call_run::close() {
  call_step step;
  closed_ = true;
  finish(step);
  return step;
}

call_step call_run::cancel(error reason) {
  call_step step;
  if (cancelled_ || over_)
    return step;
  cancelled_ = std::move(reason);
  closed_ = true;
  for (const auto call : books_.take_ready())
    end_badly(step, call, *cancelled_);
  // What waits for calls that are out would otherwise become ready, or fall with them.
  for (auto call = books_.lowest(); call < books_.next(); ++call)
    if (books_.known(call) && books_.at(call).state == call_state::waiting)
      end_badly(step, call, *cancelled_);
  lanes_.visit([&](const call_lane& each) {
    if (each.size() > 0 && !each.broken)
      step.drop.push_back(each.id);
  });
  std::sort(step.drop.begin(), step.drop.end());
  finish(step);
  return step;
}

result<call_step> call_run::results_read(std::uint64_t count) {
  if (count > unread_bytes_)
    return fail(errc::invalid_argument,
                fmt::format("the client says that it read {} bytes of results, it was given {}",
                            count, unread_bytes_),
                "calls");
  unread_bytes_ -= count;
  read_ahead_ += count;
  while (!unread_.empty() && read_ahead_ >= unread_.front().bytes) {
    read_ahead_ -= unread_.front().bytes;
    books_.read(unread_.front().block);
    unread_.pop_front();
  }
  call_step step;
  finish(step);
  return step;
}

call_step call_run::lane_opened(lane_id lane) {
  call_step step;
  lanes_.open(lane);
  // The request is answered; what is still missing is asked for anew.
  wanting_ = false;
  finish(step);
  return step;
}

call_step call_run::lane_closing(lane_id lane) {
  call_step step;
  if (auto* const found = lanes_.find(lane)) {
    found->closing = true;
    lanes_.settle(*found);
    finish(step);
  }
  return step;
}

// --- what is sent --------------------------------------------------------------------------------

void call_run::finish(call_step& step) {
  flush_ends(step);
  pump(step);
  flush_ends(step);
  const bool want = !over_ && books_.ready_count() > 0 && lanes_.with_room() == 0 && !window_full();
  if (want != wanting_)
    step.want_lane = wanting_ = want;
  if (closed_ && !over_ && books_.pending() == 0)
    step.over = over_ = true;
}

bool call_run::goes_alone(call_number call) const noexcept {
  const auto losses = books_.at(call).losses;
  return losses > 0 && losses >= options_.free_retries;
}

void call_run::pump(call_step& step) {
  std::size_t left_in_round = 0;
  std::size_t share = 0;
  while (books_.ready_count() > 0 && lanes_.with_room() > 0 && !window_full()) {
    if (goes_alone(books_.first_ready())) {
      // Those behind it wait until a lane is idle, which comes soon as none gets anything else.
      if (lanes_.idle() == 0)
        return;
      send(step, lanes_.first_idle(), 1, true);
      continue;
    }
    const auto ready = books_.ready_count();
    if (lanes_.are_few(ready)) {
      send(step, lanes_.to_fill(), static_cast<std::uint32_t>(ready), false);
      continue;
    }
    if (left_in_round == 0) {
      left_in_round = lanes_.with_room();
      share = (ready + left_in_round - 1) / left_in_round;
    }
    --left_in_round;
    send(step, lanes_.next(), static_cast<std::uint32_t>(share), false);
  }
}

void call_run::send(call_step& step, call_lane& to, std::uint32_t count, bool alone) {
  count = std::min({count, options_.message_calls_max, to.credit - to.size()});
  for (std::uint32_t i = 0; i < count && books_.ready_count() > 0; ++i) {
    const auto call = books_.first_ready();
    if (!alone && goes_alone(call))
      break;
    books_.send_first();
    if (const auto size = books_.arguments_size(call); size > options_.arguments_max) {
      end_badly(
          step, call,
          {.code = errc::limit_exceeded,
           .message = fmt::format("the arguments of call {} have {} bytes with the results in "
                                  "them, at most {} are passed on",
                                  call, size, options_.arguments_max),
           .origin = "calls"});
      continue;
    }
    const auto what = books_.what(call);
    writer_.add(call, what.function, what.arguments);
    to.add(call);
    if (writer_.size() >= options_.message_bytes_max)
      break;
  }
  if (writer_.empty())
    return;
  to.alone = alone;
  lanes_.settle(to);
  step.send.push_back({to.id, {}});
  writer_.finish(call_kind::calls, step.send.back().bytes);
}

void call_run::check_invariants() const {
  books_.check_invariants();
  lanes_.check_invariants();
  std::uint64_t out = 0;
  lanes_.visit([&](const call_lane& each) {
    out += each.size();
    for (const auto call : each.held())
      ensure(books_.at(call).state == call_state::out, "a lane holds calls that are out");
  });
  ensure(out == counts()[static_cast<std::size_t>(call_state::out)], "lanes hold all that is out");
  std::uint64_t not_read = 0;
  for (const auto& each : unread_)
    not_read += each.bytes;
  ensure(not_read == unread_bytes_ + read_ahead_, "what is unread adds up");
  for (const auto call : stopping_)
    ensure(books_.known(call) && books_.at(call).state == call_state::out,
           "only calls that are out are still to be stopped");
  ensure(fallen_.empty() && ends_.empty() && writer_.empty(), "no end is left unsaid");
  ensure(!over_ || (closed_ && books_.pending() == 0), "a run is over when all calls have ended");
  ensure(wanting_
             == (!over_ && books_.ready_count() > 0 && lanes_.with_room() == 0 && !window_full()),
         "a lane is asked for when ready calls find no room");
}

} // namespace maze::core
