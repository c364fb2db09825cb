#include "maze/actors/call_hub.hpp"

#include "maze/actors/errors.hpp"

#include <caf/io/broker.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace maze::actors {

namespace {

/// Bytes of the reason for which calls are cancelled.
constexpr std::size_t reason_max = 1024;

core::lane_id lane_of(core::attempt_id token) { return core::lane_id{token.counter}; }

/// Whether every node would say the same.
bool cannot_get_better(core::errc code) {
  return code == core::errc::untrusted_function || code == core::errc::limit_exceeded
         || code == core::errc::unschedulable || code == core::errc::invalid_payload;
}

core::error node_lost() {
  return {.code = core::errc::node_lost,
          .message = "the connection to the node broke",
          .origin = "lane"};
}

} // namespace

template <class Handle, class Message>
void call_hub_state::send(const Handle& to, Message&& message) {
  caf::unsafe_send_as(self_, to, std::forward<Message>(message));
}

caf::behavior call_hub_state::make_behavior(call_hub_setup setup) {
  setup_ = std::move(setup);
  setup_.settings.retries = static_cast<std::uint8_t>(setup_.plan->retries);
  core::lane_limits& lanes = setup_.settings.lanes;
  if (const std::uint32_t most = setup_.plan->calls_of_child(); most > 0) {
    // A child must not be sent more than it may do.
    lanes.credit_max = std::min(lanes.credit_max, most);
    lanes.credit_min = std::min(lanes.credit_min, most);
  }
  if (!setup_.plan->durable)
    setup_.journal = nullptr;
  logic_.emplace(setup_.settings);
  self_->monitor(setup_.context);
  self_->set_down_handler([this](const caf::down_msg& down) {
    if (down.source == setup_.context.address())
      self_->quit(down.reason);
    else
      hosts_gone(down.source);
  });
  ask_for_lane(wants_lane());
  return {
      [this](const attach_client& msg) { return attach(msg); },
      [this](submit_calls& msg) { submit(msg); },
      [this](results_read msg) { read(msg.bytes); },
      [this](const actors::cancel_calls& msg) { perform(logic_->cancel_calls(msg.calls)); },
      [this](close_calls) { perform(logic_->close()); },
      [this](lane_replies& msg) { take(msg); },
      [this](const lane_yields& msg) {
        if (lanes_.count(lane_of(msg.lane)) > 0)
          perform(logic_->lane_closing(lane_of(msg.lane)));
      },
      [this](const lane_over& msg) { lose(msg); },
      [this](const lane_ready& msg) { open(msg); },
      [this](const attempts_assigned& msg) {
        for (const core::attempt_id token : msg.attempts)
          if (request_ && request_->token == token)
            request_->node = msg.node;
      },
      [this](attempt_lost& msg) {
        if (request_ && request_->token == msg.attempt)
          lose_request(std::move(msg.reason));
        else
          // A lane that its node took back before it heard of us has begun nothing.
          lose({msg.attempt,
                msg.reason.code == core::errc::cancelled ? core::error{} : std::move(msg.reason)});
      },
      [this](const node_gone& msg) {
        if (request_ && request_->node == msg.node)
          lose_request(node_lost());
      },
      [this](cancel_run& msg) {
        // It is told once for each call.
        msg.reason.message.resize(std::min<std::size_t>(msg.reason.message.size(), reason_max));
        msg.reason.evidence.clear();
        perform(logic_->cancel(std::move(msg.reason)));
      },
      [this](facts_durable msg) {
        durable_ticket_ = msg.ticket;
        tell();
      },
      [this](hub_tick) {
        tick_due_ = false;
        tell_progress();
        end_idle_lanes();
        tick_later();
      },
  };
}

calls_opened call_hub_state::attach(const attach_client& msg) {
  client_ = msg.client;
  read_ahead_ = 0;
  for (const auto& [size, results] : unread_)
    give(results);
  if (over_told_)
    send(client_, over());
  return {logic_->next()};
}

void call_hub_state::submit(submit_calls& msg) {
  std::string kept = setup_.journal ? msg.frame : std::string();
  auto taken = logic_->submitted(std::move(msg.frame));
  if (!taken) {
    if (client_)
      send(client_, calls_refused{taken.error()});
    return;
  }
  if (setup_.journal)
    keep(core::calls_submitted{setup_.run, std::move(kept)});
  perform(std::move(taken->step));
  once_durable(calls_taken{logic_->next()});
  tick_later();
}

void call_hub_state::open(const lane_ready& msg) {
  if (!request_ || request_->token != msg.lane) {
    send(msg.host, end_lane{msg.lane});
    return;
  }
  request_.reset();
  failures_ = 0;
  // Calls may be long in coming.
  send(msg.host, run_calls{msg.lane, {}});
  // The same address again and again is one watch: CAF counts them, and one end tells all.
  bool known = false;
  for (const auto& [id, each] : lanes_)
    known |= each.host == msg.host;
  if (!known)
    self_->monitor(msg.host);
  lanes_.emplace(lane_of(msg.lane), lane{msg.lane, msg.host, std::nullopt});
  perform(logic_->lane_opened(lane_of(msg.lane)));
  tick_later();
}

void call_hub_state::take(lane_replies& msg) {
  const core::lane_id id = lane_of(msg.lane);
  auto step = logic_->replied(id, std::move(msg.bytes));
  if (step) {
    losses_ = 0;
    return perform(std::move(*step));
  }
  if (step.error().code == core::errc::stale)
    return;
  // A child that gives answers to what it was not asked: nothing more of it counts.
  if (const auto found = lanes_.extract(id)) {
    send(found.mapped().host, end_lane{msg.lane});
    perform(logic_->lane_lost(
        id, std::nullopt,
        {.code = core::errc::worker_crash, .message = step.error().message, .origin = "lane"}));
  }
}

void call_hub_state::lose(const lane_over& msg) {
  const core::lane_id id = lane_of(msg.lane);
  if (lanes_.erase(id) == 0)
    return;
  if (msg.reason.code == core::errc::none)
    return perform(logic_->lane_closed(id));
  ++losses_;
  const auto culprit = msg.has_culprit ? std::optional(msg.culprit) : std::nullopt;
  perform(logic_->lane_lost(id, culprit, msg.reason));
}

void call_hub_state::lose_request(core::error reason) {
  request_.reset();
  // A node that takes a lane back needs its slot otherwise, which says nothing about the next one.
  const bool failed = reason.code != core::errc::cancelled;
  if (failed && (cannot_get_better(reason.code) || ++failures_ >= setup_.failures_max))
    return perform(logic_->cancel(std::move(reason)));
  ask_for_lane(wants_lane());
}

void call_hub_state::hosts_gone(const caf::actor_addr& host) {
  std::vector<core::lane_id> gone;
  for (const auto& [id, each] : lanes_)
    if (each.host.address() == host)
      gone.push_back(id);
  for (const core::lane_id id : gone) {
    lanes_.erase(id);
    perform(logic_->lane_lost(id, std::nullopt, node_lost()));
  }
}

void call_hub_state::perform(core::call_step step) {
  for (core::lane_message& message : step.send)
    if (const auto to = lanes_.find(message.lane); to != lanes_.end()) {
      to->second.idle.reset();
      send(to->second.host, run_calls{to->second.token, std::move(message.bytes)});
    }
  for (const core::lane_call& each : step.stop)
    if (const auto to = lanes_.find(each.lane); to != lanes_.end())
      send(to->second.host, stop_call{to->second.token, each.call});
  for (const core::lane_id id : step.drop)
    if (const auto to = lanes_.find(id); to != lanes_.end())
      send(to->second.host, end_lane{to->second.token});
  for (std::string& results : step.results) {
    if (setup_.journal)
      keep(core::calls_ended{setup_.run, results});
    once_durable(call_results{std::move(results)});
  }
  ask_for_lane(wants_lane());
  if (!step.over)
    return;
  for (const auto& [id, each] : lanes_)
    send(each.host, end_lane{each.token});
  ask_for_lane(false);
  once_durable(over());
}

calls_over call_hub_state::over() const {
  const core::call_counts& counts = logic_->counts();
  return {counts[static_cast<std::size_t>(core::call_state::completed)],
          counts[static_cast<std::size_t>(core::call_state::failed)]};
}

void call_hub_state::ask_for_lane(bool wanted) {
  if (wanted == request_.has_value())
    return;
  if (!wanted) {
    send(setup_.scheduler, stop_attempts{{request_->token}});
    request_.reset();
    return;
  }
  const core::attempt_id token{setup_.first_lane.epoch, setup_.first_lane.counter + last_lane_++};
  request_ = request{token, std::nullopt};
  offer_tasks offer;
  offer.tasks.push_back({.task = {.run = setup_.run,
                                  .task = core::lane_task,
                                  .attempt = token,
                                  .needs = setup_.plan->needs,
                                  .priority = setup_.plan->priority,
                                  .local_bytes = {}},
                         .order = {{.run = setup_.run,
                                    .task = core::lane_task,
                                    .attempt = token,
                                    .number = 1,
                                    .needs = setup_.plan->needs,
                                    .files = {},
                                    .outputs = {}},
                                   setup_.context},
                         .context = setup_.context});
  send(setup_.scheduler, std::move(offer));
}

bool call_hub_state::wants_lane() const {
  return logic_->wants_lane()
         || (logic_->takes_calls() && lanes_.size() < setup_.plan->lanes_min
             && losses_ < setup_.failures_max);
}

void call_hub_state::give(const caf::message& results) {
  client_->enqueue(self_->ctrl(), caf::make_message_id(), results, self_->context());
}

void call_hub_state::read(std::uint64_t bytes) {
  std::uint64_t given = 0;
  for (const auto& each : unread_)
    given += each.first;
  if (bytes > given - read_ahead_) {
    if (client_)
      send(client_, calls_refused{{.code = core::errc::invalid_argument,
                                   .message = "a client read more results than it was given",
                                   .origin = "calls"}});
    return;
  }
  read_ahead_ += bytes;
  std::uint64_t used = 0;
  while (!unread_.empty() && read_ahead_ >= unread_.front().first) {
    used += unread_.front().first;
    read_ahead_ -= unread_.front().first;
    unread_.pop_front();
  }
  if (auto step = logic_->results_read(used))
    perform(std::move(*step));
}

void call_hub_state::keep(core::journal_event fact) {
  append_facts append{.facts = {}, .ticket = ++last_ticket_};
  append.facts.push_back(std::move(fact));
  send(setup_.journal, std::move(append));
}

void call_hub_state::once_durable(news what) {
  gated_.emplace_back(last_ticket_, std::move(what));
  tell();
}

void call_hub_state::tell() {
  while (!gated_.empty() && gated_.front().first <= durable_ticket_) {
    news what = std::move(gated_.front().second);
    gated_.pop_front();
    if (const auto* over = std::get_if<calls_over>(&what)) {
      over_told_ = true;
      tell_progress();
      send(setup_.context, *over);
    }
    if (auto* results = std::get_if<call_results>(&what)) {
      const std::uint64_t size = results->bytes.size();
      unread_.emplace_back(size, caf::make_message(std::move(*results)));
      if (client_)
        give(unread_.back().second);
    } else if (client_) {
      std::visit([this](auto& x) { send(client_, std::move(x)); }, what);
    }
  }
}

void call_hub_state::tell_progress() {
  if (told_ == logic_->counts())
    return;
  told_ = logic_->counts();
  send(setup_.context, call_progress{told_});
}

void call_hub_state::end_idle_lanes() {
  const core::instant at = now();
  const std::size_t kept = logic_->takes_calls() ? setup_.plan->lanes_min : 0;
  std::size_t left = lanes_.size();
  for (const core::lane_id id : logic_->idle_lanes()) {
    const auto found = lanes_.find(id);
    if (found == lanes_.end() || left <= kept)
      continue;
    if (!found->second.idle)
      found->second.idle = at;
    else if (at - *found->second.idle >= setup_.idle_max) {
      send(found->second.host, end_lane{found->second.token});
      --left;
    }
  }
}

void call_hub_state::tick_later() {
  if (over_told_ || (lanes_.empty() && told_ == logic_->counts()) || std::exchange(tick_due_, true))
    return;
  caf::delayed_anon_send(caf::actor_cast<caf::actor>(self_->ctrl()), setup_.tick, hub_tick{});
}

core::instant call_hub_state::now() const {
  return self_->home_system().clock().now().time_since_epoch();
}

caf::behavior call_hub(caf::stateful_actor<call_hub_state, caf::io::broker>* self,
                       call_hub_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
