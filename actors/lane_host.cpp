#include "maze/actors/lane_host.hpp"

#include "maze/actors/function_child.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace maze::actors {

namespace {

core::error stranger() {
  return {
      .code = core::errc::worker_crash,
      .message =
          "a process that was not started for these calls answered in place of the one that was",
      .origin = "execute"};
}

} // namespace

caf::behavior lane_host_state::make_behavior(lane_host_setup setup) {
  setup_ = std::move(setup);
  self_->set_down_handler([this](const caf::down_msg& down) { hub_gone(down.source); });
  return {
      [this](run_calls& msg) { run(msg); },
      [this](const stop_call& msg) { stop_one(msg); },
      [this](const end_lane& msg) {
        const auto found = lanes_.find(msg.lane);
        if (found != lanes_.end())
          end(msg.lane, children_.at(found->second.child).calls.open() == 0);
      },
      [this](open_lane& msg) { open(msg); },
      [this](const yield_slot& msg) {
        const auto found = lanes_.find(msg.lane);
        if (found == lanes_.end() || found->second.is_task())
          return;
        yield(found->second);
        end_if_done(msg.lane);
      },
      [this](const stop_child& msg) { stop(msg.attempt); },
      [this](const actors::close_run& msg) { close_run(msg.run); },
      [this](const warm_child_ended& msg) {
        if (const auto found = children_.find(msg.child); found != children_.end()) {
          found->second.report = msg.report;
          found->second.ended_at = clock::now();
          child_gone(msg.child);
        }
      },
      [this](lane_tick) {
        tick_due_ = false;
        look_around();
        tick_later();
      },
      [this](const caf::io::new_data_msg& msg) { read(msg); },
      [this](const caf::io::connection_closed_msg& msg) {
        if (const auto found = by_stream_.find(msg.handle); found != by_stream_.end()) {
          warm_child& child = children_.at(found->second);
          child.closed = true;
          child.ended_at = clock::now();
          child_gone(found->second);
        }
      },
  };
}

void lane_host_state::open(open_lane& msg) {
  const core::attempt_id token = msg.order.attempt;
  lane& made = lanes_[token];
  made = {.slot = msg.slot,
          .order = std::move(msg.order),
          .files = std::move(msg.files),
          .gpus = std::move(msg.gpus),
          .agent = caf::actor_cast<caf::strong_actor_ptr>(self_->current_sender()),
          .hub = {},
          .since = clock::now()};
  choose_plan(made);
  if (auto permitted = check_permitted(permissions_of(made), setup_.offers.permissions);
      !permitted) {
    refuse(made, permitted.error());
  } else if (const auto warm = idle_child(made)) {
    made.child = *warm;
    children_.at(*warm).lane = token;
    became_ready(made);
  } else if (auto started = start_child(made)) {
    made.child = *started;
  } else {
    refuse(made, started.error());
  }
  tick_later();
}

void lane_host_state::refuse(lane& x, const core::error& why) {
  const core::attempt_id token = x.order.attempt;
  if (x.is_task())
    lose_task(x, why);
  else
    tell_over(x, {.lane = token, .reason = why});
  self_->send(caf::actor_cast<local_agent_actor>(x.agent), slot_free{x.slot, token});
  lanes_.erase(token);
}

void lane_host_state::became_ready(lane& of) {
  of.since = clock::now();
  if (of.is_task())
    return begin_task(of);
  self_->send(of.order.context,
              lane_ready{of.order.run, of.order.attempt, caf::actor_cast<lane_actor>(self_)});
}

void lane_host_state::run(const run_calls& msg) {
  const auto found = lanes_.find(msg.lane);
  if (found == lanes_.end())
    return;
  lane& at = found->second;
  if (!at.hub) {
    at.hub = caf::actor_cast<lane_follower>(self_->current_sender());
    self_->monitor(at.hub);
    if (at.yielding)
      self_->send(at.hub, lane_yields{msg.lane});
  }
  if (msg.bytes.empty())
    return;
  warm_child& child = children_.at(at.child);
  // What it may not do any more goes back to the hub unanswered, once the lane is over.
  if (at.yielding || exceeds(child, plan_of(at), msg.bytes)) {
    yield(at);
    return end_if_done(msg.lane);
  }
  call(child, msg.bytes);
}

void lane_host_state::stop_one(const stop_call& msg) {
  const auto found = lanes_.find(msg.lane);
  if (found == lanes_.end())
    return;
  warm_child& child = children_.at(found->second.child);
  if (!child.calls.is_open(msg.call))
    return;
  child.unwanted.insert(msg.call);
  stop_unwanted(child);
}

void lane_host_state::stop_unwanted(warm_child& child) {
  // What it began and what it answered are known; one that comes later is met by a tick or by the next replies.
  std::erase_if(child.unwanted, [&](std::uint32_t call) { return !child.calls.is_open(call); });
  const auto at_work = child.calls.culprit();
  if (!at_work || child.unwanted.count(*at_work) == 0 || child.broken)
    return;
  child.stopped = at_work;
  break_child(
      child,
      {.code = core::errc::cancelled, .message = "the call was cancelled", .origin = "execute"});
}

bool lane_host_state::is_used_up(const warm_child& child, const core::call_plan& plan) {
  const std::uint32_t calls_max = plan.calls_of_child();
  const std::uint64_t bytes_max = plan.child_memory_max.value;
  return (calls_max > 0 && child.calls.done() >= calls_max)
         || (bytes_max > 0 && child.calls.memory() > bytes_max);
}

bool lane_host_state::call(warm_child& child, std::string_view message) {
  if (child.calls.open() == 0)
    child.since = clock::now();
  if (auto sent = child.calls.sent(message); !sent) {
    break_child(child, sent.error());
    return false;
  }
  if (child.closed)
    return false;
  auto& buffer = self_->wr_buf(child.stream);
  buffer.insert(buffer.end(), message.begin(), message.end());
  self_->flush(child.stream);
  return true;
}

void lane_host_state::read(const caf::io::new_data_msg& msg) {
  const auto found = by_stream_.find(msg.handle);
  if (found == by_stream_.end())
    return;
  warm_child& child = children_.at(found->second);
  // What was answered before a call was stopped counts.
  if (child.broken && !child.stopped)
    return;
  child.messages.append({msg.buf.data(), msg.buf.size()});
  for (;;) {
    const auto message = child.messages.next();
    if (!message)
      return break_child(child, refusal_of({}));
    if (message->empty() || !take(child, *message))
      break;
  }
  if (child.lane && !child.stopped)
    end_if_done(*child.lane);
}

bool lane_host_state::take(warm_child& child, std::string_view message) {
  const auto view = core::call_message_view::of(message);
  if (!view)
    return break_child(child, refusal_of({})), false;
  lane* const at = child.lane ? &lanes_.at(*child.lane) : nullptr;
  if (!child.ready) {
    if (view->header().kind != core::call_kind::ready)
      return break_child(child, refusal_of(message)), false;
    if (view->size() != 1 || view->entry(0).number != child.calls.token())
      return break_child(child, stranger()), false;
    child.ready = true;
    if (at != nullptr && !at->yielding)
      became_ready(*at);
    return true;
  }
  if (view->header().kind != core::call_kind::replies || at == nullptr)
    return break_child(child, refusal_of({})), false;
  if (auto fits = check_replies(*view); !fits)
    return break_child(child, fits.error()), false;
  if (auto fits = child.calls.answered(*view); !fits)
    return break_child(child, fits.error()), false;
  child.since = clock::now();
  if (at->is_task()) {
    const bool returned =
        view->entry(0).word == static_cast<std::uint32_t>(core::call_outcome::returned);
    return finish_task(at->order.attempt, returned, view->payloads()), true;
  }
  if (child.stopped)
    return self_->send(at->hub, lane_replies{at->order.attempt, std::string(message)}), true;
  // First, or the hub would send more.
  if (is_used_up(child, plan_of(*at)))
    yield(*at);
  if (!child.unwanted.empty())
    stop_unwanted(child);
  self_->send(at->hub, lane_replies{at->order.attempt, std::string(message)});
  return true;
}

void lane_host_state::yield(lane& x) {
  if (std::exchange(x.yielding, true))
    return;
  if (x.hub)
    self_->send(x.hub, lane_yields{x.order.attempt});
}

void lane_host_state::end_if_done(core::attempt_id token) {
  const auto found = lanes_.find(token);
  if (found == lanes_.end() || !found->second.yielding)
    return;
  const warm_child& child = children_.at(found->second.child);
  // What a hub sent before it knew comes back to it unanswered, at no charge.
  if (child.ready && child.calls.open() == 0)
    end(token, true);
}

void lane_host_state::end(core::attempt_id token, bool keep_child) {
  auto gone = lanes_.extract(token);
  lane& x = gone.mapped();
  warm_child& child = children_.at(x.child);
  child.lane.reset();
  child.since = clock::now();
  child.unwanted.clear();
  // A GPU belongs to whoever gets the slot next.
  const bool kept = keep_child && child.ready && !child.broken && child.gpus.empty()
                    && !is_used_up(child, plan_of(x));
  forget_hub(x.hub);
  if (!x.is_task())
    tell_over(x, {.lane = token, .reason = {}});
  child.owner = std::pair(x.agent, slot_free{x.slot, token});
  if (kept)
    free_slot(child);
  else
    break_child(child, {.code = core::errc::cancelled, .message = "its lane ended"});
}

void lane_host_state::free_slot(warm_child& child) {
  if (auto owner = std::exchange(child.owner, std::nullopt))
    self_->send(caf::actor_cast<local_agent_actor>(owner->first), owner->second);
}

void lane_host_state::forget_hub(const lane_follower& hub) {
  // One watch for all lanes of a hub: CAF drops all at once.
  const bool used = std::any_of(lanes_.begin(), lanes_.end(),
                                [&](const auto& x) { return hub && x.second.hub == hub; });
  if (hub && !used)
    self_->demonitor(hub.address());
}

void lane_host_state::tell_over(const lane& x, lane_over news) {
  news.reason.message = setup_.log->secrets().redact(news.reason.message);
  news.reason.evidence = setup_.log->secrets().redact(news.reason.evidence);
  if (x.hub)
    self_->send(x.hub, std::move(news));
  else
    // By way of the link, which loses nothing: the hub may never have heard of the lane.
    self_->send(x.order.context, attempt_lost{news.lane,
                                              news.reason.code == core::errc::none
                                                  ? core::error{.code = core::errc::cancelled,
                                                                .message = "the lane ended"}
                                                  : std::move(news.reason),
                                              {}});
}

void lane_host_state::stop(core::attempt_id token) {
  const auto found = lanes_.find(token);
  if (found == lanes_.end())
    return;
  const bool cancelled = found->second.is_task() && !setup_.stopping.stop_requested();
  break_child(children_.at(found->second.child),
              {.code = cancelled ? core::errc::cancelled : core::errc::node_lost,
               .message = "the attempt was stopped",
               .origin = "execute"});
}

void lane_host_state::close_run(core::run_id run) {
  std::vector<core::attempt_id> gone;
  for (const auto& [token, x] : lanes_)
    if (x.order.run == run)
      gone.push_back(token);
  for (const core::attempt_id token : gone)
    end(token, false);
  std::erase_if(task_functions_, [run](const auto& each) { return each.first.first == run; });
  for (auto& [id, child] : children_)
    if (child.run == run)
      break_child(child, {.code = core::errc::cancelled, .message = "its run ended"});
}

void lane_host_state::hub_gone(const caf::actor_addr& hub) {
  std::vector<core::attempt_id> orphans;
  for (const auto& [token, x] : lanes_)
    if (x.hub && x.hub.address() == hub)
      orphans.push_back(token);
  for (const core::attempt_id token : orphans)
    end(token, false);
}

void lane_host_state::tick_later() {
  if (children_.empty() || std::exchange(tick_due_, true))
    return;
  self_->delayed_send(self_, setup_.tick, lane_tick{});
}

caf::behavior lane_host(caf::stateful_actor<lane_host_state, caf::io::broker>* self,
                        lane_host_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
