#include "maze/actors/node_agent.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <iterator>

namespace maze::actors {

caf::result<bool> node_agent_state::drain(bool stop_running) {
  draining_ = true;
  logic_->drain();
  for (auto& [run, known] : runs_)
    for (attempt_order& order : std::exchange(known.waiting, {}))
      refuse(std::move(order));
  for (auto& [attempt, one] : std::exchange(fetching_, {}))
    refuse(std::move(one.order));
  while (!held_.empty()) {
    auto last = held_.extract(std::prev(held_.end()));
    perform(logic_->ended(last.key()));
    refuse(std::move(last.mapped()));
  }
  auto reply = self_->make_response_promise<bool>();
  drained_.push_back(reply);
  for (const auto& [slot, owned] : workers_) {
    // First, or it would begin when the one before it is stopped.
    if (owned.next)
      self_->send(owned.worker, recall_child{owned.next->attempt});
    if (stop_running && owned.now)
      stop_occupant(owned, *owned.now);
    else if (owned.now && owned.now->is_lane)
      self_->send(setup_.lanes, yield_slot{owned.now->attempt});
  }
  tell_if_idle();
  return reply;
}

caf::result<bool> node_agent_state::abandon() {
  while (!runs_.empty())
    close(runs_.begin()->first);
  auto reply = self_->make_response_promise<bool>();
  drained_.push_back(reply);
  for (const auto& [slot, owned] : workers_)
    if (owned.now)
      stop_occupant(owned, *owned.now);
  tell_if_idle();
  return reply;
}

void node_agent_state::stop_occupant(const slot_worker& owned, const occupant& who) {
  if (who.is_lane)
    self_->send(setup_.lanes, stop_child{who.attempt});
  else
    self_->send(owned.worker, stop_child{who.attempt});
}

void node_agent_state::tell_if_idle() {
  if (logic_->running() > 0)
    return;
  for (auto& reply : std::exchange(drained_, {}))
    reply.deliver(true);
}

} // namespace maze::actors
