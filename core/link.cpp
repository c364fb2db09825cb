#include "maze/core/link.hpp"

#include "maze/core/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

link::link(session_id session, options settings, instant now)
    : session_(session),
      options_(settings),
      outbox_(settings.out),
      inbox_(settings.in),
      running_(now),
      heard_(now),
      closed_(now),
      spoke_(now) {}

result<void> link::send(std::string_view item) {
  if (end_)
    return fail(errc::stale, "the session is over: " + end_->message, "link");
  if (item.size() > options_.in.item_bytes_max)
    return fail(errc::limit_exceeded,
                fmt::format("a message of {} bytes is too large for a link, which takes {}",
                            item.size(), options_.in.item_bytes_max),
                "link");
  outbox_.push(item);
  return {};
}

link_step link::flush(instant now) {
  notice(now);
  return finish({}, now);
}

link_step link::received(link_frame frame, instant now) {
  notice(now);
  link_step step;
  if (frame.session != session_) {
    ++counted_.foreign;
    return finish(std::move(step), now);
  }
  if (end_) {
    take_late(std::move(frame), step);
    return step;
  }
  if (frame.kind == frame_kind::over) {
    end(session_end::told, reason_of(frame), step);
    return step;
  }
  heard_ = now;
  if (!established_)
    step.events.emplace_back(session_established{});
  established_ = true;
  take(std::move(frame), step, now);
  return finish(std::move(step), now);
}

void link::take(link_frame&& frame, link_step& step, instant now) {
  if (!is_known(frame.kind))
    return end(session_end::broken,
               {.code = errc::malformed, .message = "a frame of an unknown kind"}, step);
  if (!outbox_.acknowledged(frame.ack, now))
    return end(session_end::broken,
               {.code = errc::malformed,
                .message = fmt::format("batch {} is acknowledged and was never sent", frame.ack)},
               step);
  if (frame.number == 0)
    return;
  const auto bytes = frame.items.size();
  const auto came = inbox_.take(std::move(frame), step.delivered);
  if (!came)
    return end(session_end::broken, came.error(), step);
  ++unanswered_batches_;
  unanswered_bytes_ += bytes;
  counted_.repeated += *came == link_inbox::arrival::repeated ? 1 : 0;
  // What came again or too early tells that something was lost: the other end should know at once.
  const bool at_once = *came != link_inbox::arrival::in_order
                       || unanswered_batches_ >= options_.ack_batches
                       || unanswered_bytes_ >= options_.ack_bytes;
  const auto due = at_once ? now : now + options_.ack_delay;
  ack_due_ = std::min(ack_due_.value_or(due), due);
}

void link::take_late(link_frame&& frame, link_step& step) {
  if (frame.kind == frame_kind::over)
    return;
  ++counted_.late;
  // A batch that is not sound tells nothing; the session is over anyway.
  if (frame.number != 0)
    static_cast<void>(inbox_.take(std::move(frame), step.late));
  step.frames.push_back(over_frame(session_, *end_));
}

link_step link::connected(instant now) {
  notice(now);
  link_step step;
  if (end_) {
    step.frames.push_back(over_frame(session_, *end_));
    return step;
  }
  connected_ = true;
  heard_ = now;
  outbox_.send_again(now, step.frames);
  // Even an end with nothing to say tells the other what it has.
  ack_due_ = now;
  return finish(std::move(step), now);
}

link_step link::disconnected(instant now) {
  notice(now);
  if (connected_)
    closed_ = now;
  connected_ = false;
  return finish({}, now);
}

link_step link::time_passed(instant now) {
  notice(now);
  return finish({}, now);
}

link_step link::expel(const error& reason, instant now) {
  notice(now);
  link_step step;
  if (!end_)
    end(session_end::asked, reason, step);
  return step;
}

void link::notice(instant now) {
  const auto gap = now - running_;
  if (gap > 2 * options_.heartbeat) {
    const auto still = gap - options_.heartbeat;
    heard_ += still;
    closed_ += still;
  }
  running_ = std::max(running_, now);
}

void link::end(session_end how, const error& reason, link_step& step) {
  end_ = reason;
  step.frames.clear();
  if (connected_ && how != session_end::told)
    step.frames.push_back(over_frame(session_, reason));
  step.events.emplace_back(session_over{how, reason});
}

instant link::deadline() const noexcept {
  const auto lease = heard_ + options_.lease;
  return connected_ ? lease : std::min(lease, closed_ + options_.reconnect);
}

void link::judge(link_step& step, instant now) {
  if (now < deadline())
    return;
  const auto how = now < heard_ + options_.lease ? session_end::closed : session_end::silent;
  const auto said = how == session_end::closed
                        ? fmt::format("the connection was closed and did not come back within {}",
                                      to_string(options_.reconnect))
                        : fmt::format("nothing was heard for {}", to_string(options_.lease));
  end(how, {.code = errc::node_lost, .message = said, .origin = "link"}, step);
}

link_step link::finish(link_step step, instant now) {
  // Every event may be the one that finds the time over, or a busy end would put it off for ever.
  if (!end_)
    judge(step, now);
  if (end_)
    return step;
  if (connected_) {
    outbox_.send_late(now, step.frames);
    outbox_.send_new(now, step.frames);
    if (step.frames.empty()
        && (now >= ack_due_.value_or(now + duration(1)) || now >= spoke_ + options_.heartbeat))
      step.frames.emplace_back();
    for (auto& frame : step.frames) {
      frame.session = session_;
      frame.ack = inbox_.arrived();
    }
    if (!step.frames.empty()) {
      spoke_ = now;
      ack_due_.reset();
      unanswered_batches_ = 0;
      unanswered_bytes_ = 0;
    }
  }
  auto wake = std::min(deadline(), (connected_ ? spoke_ : running_) + options_.heartbeat);
  if (connected_) {
    wake = std::min(wake, ack_due_.value_or(wake));
    wake = std::min(wake, outbox_.due().value_or(wake));
  }
  step.wake_at = wake;
  return step;
}

void link::check_invariants() const {
  outbox_.check_invariants();
  ensure(heard_ <= running_ && closed_ <= running_ && spoke_ <= running_,
         "nothing happened in the future");
  ensure(end_ || !connected_ || spoke_ + 2 * options_.heartbeat >= running_,
         "a connected end speaks each heartbeat");
}

} // namespace maze::core
