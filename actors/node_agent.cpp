#include "maze/actors/node_agent.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/run_name.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

namespace maze::actors {
namespace {

/// How long the bet on a short attempt may take to be lost: a thousandth of what matters to whoever
/// waits behind a long one, and a hundred times what handing a slot over costs.
constexpr std::chrono::milliseconds line_interval{20};

} // namespace

local_agent_actor::behavior_type node_agent_state::make_behavior(node_agent_setup setup) {
  setup_ = std::move(setup);
  logic_.emplace(setup_.slots);
  self_->set_down_handler([this](const caf::down_msg& down) { worker_down(down); });
  self_->set_exit_handler([this](const caf::exit_msg& msg) {
    for (const auto& [slot, owned] : workers_)
      if (owned.worker)
        self_->send_exit(owned.worker, msg.reason);
    if (setup_.lanes)
      self_->send_exit(setup_.lanes, msg.reason);
    if (setup_.logs)
      self_->send_exit(setup_.logs, msg.reason);
    for (auto& reply : std::exchange(drained_, {}))
      reply.deliver(to_caf({.code = core::errc::cancelled,
                            .message = "the node's agent ended before its children did",
                            .origin = "node agent"}));
    self_->quit(msg.reason);
  });
  return {
      [this](run_attempts& msg) {
        for (attempt_order& order : msg.orders)
          accept(std::move(order));
      },
      [this](const stop_attempts& msg) {
        for (const core::attempt_id attempt : msg.attempts)
          stop(attempt);
      },
      [this](const slot_free& msg) { free(msg); },
      [this](attempt_returned& msg) { take_back(msg); },
      [this](line_tick) {
        tick_due_ = false;
        perform(logic_->time_passed());
      },
      [this](fetch_tick) { tell_slow(); },
      [this](const close_run& msg) { close(msg.run); },
      [this](drain_node msg) { return drain(msg.stop_running); },
      [this](ask_load) { return load_with_traffic(); },
      [this](const read_log& msg) { return read(msg); },
      [this](core::drop_data& msg) { drop(msg); },
      [this](abandon_attempts) { return abandon(); },
  };
}

void node_agent_state::accept(attempt_order order) {
  order.arrived = std::chrono::steady_clock::now();
  const auto [known, fresh] = runs_.try_emplace(order.run);
  if (known->second.files)
    return fetch(std::move(order));
  const core::run_id run = order.run;
  known->second.waiting.push_back(std::move(order));
  if (fresh)
    ask_registry(run);
}

void node_agent_state::ask_registry(core::run_id run) {
  self_->request(setup_.registry, setup_.registry_timeout, find_run{run})
      .then([this, run](const run_bundle_ptr& found) { open_run(run, found); },
            [this, run](const caf::error& failed) { refuse_run(run, from_caf(failed)); });
}

void node_agent_state::open_run(core::run_id run, const run_bundle_ptr& found) {
  const auto known = runs_.find(run);
  if (known == runs_.end())
    return;
  known->second.files = std::make_shared<run_files>(
      found, setup_.blobs,
      run_files::options{.root = setup_.runs_root / core::to_string(run),
                         .overlay = setup_.overlay});
  for (attempt_order& order : std::exchange(known->second.waiting, {}))
    fetch(std::move(order));
}

void node_agent_state::refuse_run(core::run_id run, const core::error& reason) {
  const auto known = runs_.extract(run);
  if (known.empty())
    return;
  for (const attempt_order& order : known.mapped().waiting) {
    self_->send(order.context, attempt_lost{order.attempt, reason});
    report_ended(order.attempt);
  }
}

void node_agent_state::offer(attempt_order order) {
  const core::attempt_id attempt = order.attempt;
  const core::resources needs = order.needs;
  const core::run_id run = order.run;
  const bool is_lane = needs_warm_child(order);
  if (is_lane && !setup_.lanes)
    return refuse(std::move(order));
  held_.insert_or_assign(attempt, std::move(order));
  perform(is_lane ? logic_->lane_offered(attempt, needs, run) : logic_->offered(attempt, needs));
}

bool node_agent_state::needs_warm_child(const attempt_order& order) const {
  if (order.task == core::lane_task)
    return true;
  // A node without warm children gives the task a fresh one.
  return setup_.lanes
         && core::is_kept(runs_.at(order.run).files->bundle().tasks->spec(order.task).child);
}

void node_agent_state::stop(core::attempt_id attempt) {
  const auto is = [attempt](const auto& x) { return x && x->attempt == attempt; };
  for (const auto& [slot, owned] : workers_)
    if (is(owned.now) || is(owned.next))
      return stop_occupant(owned, is(owned.now) ? *owned.now : *owned.next);
  for (auto& [run, known] : runs_)
    std::erase_if(known.waiting,
                  [&](const attempt_order& order) { return order.attempt == attempt; });
  held_.erase(attempt);
  fetching_.erase(attempt);
  perform(logic_->ended(attempt));
  report_ended(attempt);
}

void node_agent_state::free(const slot_free& msg) {
  const auto owned = workers_.find(msg.slot);
  if (owned == workers_.end())
    return;
  auto& [worker, now, next] = owned->second;
  if (now && now->attempt == msg.attempt) {
    now = std::exchange(next, std::nullopt);
    if (now && draining_)
      self_->send(worker, stop_child{now->attempt});
  } else if (next && next->attempt == msg.attempt) {
    next.reset();
  } else {
    return;
  }
  perform(logic_->ended(msg.attempt));
  report_ended(msg.attempt);
  tell_if_idle();
}

void node_agent_state::take_back(attempt_returned& msg) {
  const core::attempt_id attempt = msg.order.attempt;
  const auto owned = workers_.find(msg.slot);
  if (owned == workers_.end() || !owned->second.next || owned->second.next->attempt != attempt)
    return;
  owned->second.next.reset();
  if (draining_) {
    perform(logic_->ended(attempt));
    refuse(std::move(msg.order));
  } else if (runs_.count(msg.order.run) == 0) {
    perform(logic_->ended(attempt));
    report_ended(attempt);
  } else {
    held_.insert_or_assign(attempt, std::move(msg.order));
    perform(logic_->returned(attempt));
  }
}

void node_agent_state::close(core::run_id run) {
  const auto known = runs_.find(run);
  if (known == runs_.end())
    return;
  for (const attempt_order& order : known->second.waiting)
    report_ended(order.attempt);
  std::vector<core::attempt_id> held;
  for (const auto& [attempt, order] : held_)
    if (order.run == run)
      held.push_back(attempt);
  for (const auto& [attempt, one] : fetching_)
    if (one.order.run == run)
      held.push_back(attempt);
  std::sort(held.begin(), held.end());
  // Latest first: the end of one that others wait behind would start them.
  for (auto attempt = held.rbegin(); attempt != held.rend(); ++attempt)
    stop(*attempt);
  for (const auto& [slot, owned] : workers_)
    if (owned.next && owned.next->run == run)
      self_->send(owned.worker, stop_child{owned.next->attempt});
  if (setup_.lanes)
    self_->send(setup_.lanes, close_run{run});
  if (setup_.run_over)
    setup_.run_over(run);
  // The last owner removes trees from the disk, which must not block this actor.
  self_->spawn<caf::detached>([files = std::move(known->second.files)](caf::event_based_actor*) {});
  runs_.erase(known);
}

caf::result<log_piece> node_agent_state::read(const read_log& msg) {
  for (const auto& [slot, owned] : workers_)
    if (owned.now && owned.now->attempt == msg.attempt && !owned.now->is_lane)
      return self_->delegate(owned.worker, msg);
  return self_->delegate(setup_.logs, msg);
}

void node_agent_state::drop(core::drop_data& what) {
  if (setup_.logs && !what.runs.empty())
    self_->send(setup_.logs, drop_logs{std::move(what.runs)});
  if (setup_.files && !what.blobs.empty())
    self_->send(setup_.files, drop_blobs{std::move(what.blobs)});
}

void node_agent_state::worker_down(const caf::down_msg& down) {
  for (auto& [slot, owned] : workers_) {
    if (owned.worker.address() != down.source)
      continue;
    const core::slot_id here = slot;
    const slot_worker lost = std::move(owned);
    workers_.erase(here);
    lose(here, lost,
         {.code = core::errc::worker_crash,
          .message = fmt::format("the worker died: {}", from_caf(down.reason).message),
          .origin = "worker"});
    return;
  }
}

void node_agent_state::lose(core::slot_id slot, const slot_worker& lost,
                            const core::error& reason) {
  // The lined-up one first: it does not begin now.
  for (const auto& gone : {lost.next, lost.now}) {
    if (!gone)
      continue;
    self_->send(gone->context, attempt_lost{gone->attempt, reason});
    perform(logic_->ended(gone->attempt));
    report_ended(gone->attempt);
  }
  // Whoever was lined up meanwhile found the fresh worker idle.
  if (const auto fresh = workers_.find(slot); fresh != workers_.end() && !fresh->second.now)
    fresh->second.now = std::exchange(fresh->second.next, std::nullopt);
  tell_if_idle();
}

void node_agent_state::perform(const core::slot_actions& todo) {
  for (const core::slot_action& action : todo) {
    if (const auto* begin = std::get_if<core::start_attempt>(&action))
      start(*begin);
    else if (const auto* after = std::get_if<core::line_up_attempt>(&action))
      line_up(*after);
    else if (const auto* back = std::get_if<core::recall_attempt>(&action))
      self_->send(workers_.at(back->slot).worker, recall_child{back->attempt});
    else if (const auto* refusal = std::get_if<core::refuse_attempt>(&action))
      refuse(std::move(held_.extract(refusal->attempt).mapped()));
    else if (const auto* lane = std::get_if<core::yield_lane>(&action))
      self_->send(setup_.lanes, yield_slot{lane->attempt});
  }
  watch_line();
}

void node_agent_state::watch_line() {
  if (!logic_->watches() || std::exchange(tick_due_, true))
    return;
  self_->delayed_send(self_, line_interval, line_tick{});
}

void node_agent_state::refuse(attempt_order order) {
  self_->send(setup_.scheduler, attempt_refused{std::move(order), logic_->free(), draining_});
}

void node_agent_state::start(const core::start_attempt& action) {
  slot_worker& owned = workers_[action.slot];
  owned.now = hand_over(action.attempt, owned, action.slot, action.gpus);
}

void node_agent_state::line_up(const core::line_up_attempt& action) {
  slot_worker& owned = workers_[action.slot];
  owned.next = hand_over(action.attempt, owned, action.slot, action.gpus);
}

node_agent_state::occupant node_agent_state::hand_over(core::attempt_id attempt, slot_worker& to,
                                                       core::slot_id slot,
                                                       const std::vector<std::uint32_t>& gpus) {
  auto order = held_.extract(attempt);
  if (needs_warm_child(order.mapped())) {
    occupant out{attempt, order.mapped().run, order.mapped().context, true};
    const auto& files = runs_.at(out.run).files;
    self_->send(setup_.lanes, open_lane{slot, std::move(order.mapped()), files, gpus});
    return out;
  }
  if (!to.worker) {
    to.worker = setup_.spawn_worker(slot, self_);
    self_->monitor(to.worker);
  }
  occupant out{attempt, order.mapped().run, order.mapped().context};
  const auto& files = runs_.at(out.run).files;
  self_->send(to.worker, run_attempt{std::move(order.mapped()), files, gpus});
  return out;
}

void node_agent_state::report_ended(core::attempt_id attempt) {
  self_->send(setup_.scheduler, attempts_ended{{attempt}});
}

local_agent_actor::behavior_type
node_agent(local_agent_actor::stateful_pointer<node_agent_state> self, node_agent_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
