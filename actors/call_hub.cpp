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
    else if (client_ && down.source == client_.address())
      client_gone();
    else
      hosts_gone(down.source);
  });
  setup_.reserve.lanes_min = setup_.plan->lanes_min;
  reserve_.emplace(setup_.reserve, now());
  ask_for_lane();
  tick_later();
  return {
      [this](const attach_client& msg) { return attach(msg); },
      [this](submit_calls& msg) { submit(msg); },
      [this](const results_read& msg) { read(msg); },
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
      [this](facts_tick) {
        facts_due_ = false;
        send_facts();
      },
      [this](hub_tick) {
        tick_due_ = false;
        tell_progress();
        end_idle_lanes();
        if (request_)
          reserve_->waited(now() - request_->since, demand(), now());
        ask_for_lane();
        tick_later();
      },
  };
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
  lanes_.emplace(lane_of(msg.lane),
                 lane{.token = msg.lane, .host = msg.host, .idle = std::nullopt});
  perform(logic_->lane_opened(lane_of(msg.lane)));
  tick_later();
}

void call_hub_state::take(lane_replies& msg) {
  const core::lane_id id = lane_of(msg.lane);
  auto step = logic_->replied(id, std::move(msg.bytes));
  if (step) {
    reserve_->answered();
    if (const auto from = lanes_.find(id); from != lanes_.end())
      from->second.answered = true;
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
  const auto gone = lanes_.extract(id);
  if (gone.empty())
    return;
  if (msg.reason.code == core::errc::none) {
    reserve_->gave_back(now());
    return perform(logic_->lane_closed(id));
  }
  if (!gone.mapped().answered && msg.reason.code != core::errc::node_lost)
    reserve_->lost_unanswered();
  const auto culprit = msg.has_culprit ? std::optional(msg.culprit) : std::nullopt;
  perform(logic_->lane_lost(id, culprit, msg.reason));
}

void call_hub_state::lose_request(core::error reason) {
  request_.reset();
  // A node that takes a lane back needs its slot otherwise, which says nothing about the next one.
  const bool failed = reason.code != core::errc::cancelled;
  if (failed && (cannot_get_better(reason.code) || ++failures_ >= setup_.failures_max))
    return perform(logic_->cancel(std::move(reason)));
  ask_for_lane();
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
      keep(core::calls_ended{setup_.run, results}, true);
    once_durable(call_results{std::move(results), 0});
  }
  ask_for_lane();
  if (!step.over)
    return;
  for (const auto& [id, each] : lanes_)
    send(each.host, end_lane{each.token});
  withdraw_request();
  once_durable(over());
}

void call_hub_state::withdraw_request() {
  if (request_)
    send(setup_.scheduler, stop_attempts{{request_->token}});
  request_.reset();
}

void call_hub_state::ask_for_lane() {
  if (!reserve_->wants_lane(demand(), now()))
    return withdraw_request();
  if (request_)
    return;
  const core::attempt_id token{setup_.first_lane.epoch, setup_.first_lane.counter + last_lane_++};
  request_ = request{token, now(), std::nullopt};
  offer_tasks offer;
  offer.tasks.push_back({.task = {.run = setup_.run,
                                  .task = core::lane_task,
                                  .attempt = token,
                                  .needs = setup_.plan->needs,
                                  .priority = setup_.plan->priority,
                                  .local_bytes = {},
                                  .sandbox = core::needed_offer(*setup_.plan),
                                  .labels = setup_.plan->labels},
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

core::lane_demand call_hub_state::demand() const {
  return {.lanes = lanes_.size(),
          .calls_wait = logic_->wants_lane(),
          .takes_calls = logic_->takes_calls()};
}

void call_hub_state::end_idle_lanes() {
  const core::instant at = now();
  const std::size_t kept = reserve_->kept(demand(), at);
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
  const bool idle =
      lanes_.empty() && reserve_->kept(demand(), now()) == 0 && told_ == logic_->counts();
  if (over_told_ || idle || std::exchange(tick_due_, true))
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
