#include "maze/actors/scheduler.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace maze::actors {

scheduler_actor::behavior_type scheduler_state::make_behavior(core::scheduler::options settings) {
  logic_.emplace(settings);
  self_->set_down_handler([this](caf::down_msg& down) {
    for (const auto& [node, agent] : agents_)
      if (agent.address() == down.source)
        return lose(node);
  });
  return {
      [this](offer_tasks& msg) { offer(msg); },
      [this](const stop_attempts& msg) { stop(msg); },
      [this](const join_scheduler& msg) {
        self_->monitor(msg.agent);
        agents_.insert_or_assign(msg.node, msg.agent);
        perform(logic_->node_joined(msg.node, msg.total, msg.offers, msg.labels));
      },
      [this](const node_gone& msg) { lose(msg.node); },
      [this](const attempts_ended& msg) {
        for (const core::attempt_id attempt : msg.attempts)
          attempts_.erase(attempt);
        perform(logic_->attempts_ended(msg.attempts));
      },
      [this](attempt_refused& msg) { take_back(msg); },
      [this](const node_reported& msg) { perform(logic_->node_reported(msg.node, msg.free)); },
      [this](const close_node& msg) { perform(logic_->node_drained(msg.node)); },
      [this](const close_run& msg) { contexts_.erase(msg.run); },
  };
}

void scheduler_state::offer(offer_tasks& msg) {
  std::vector<core::ready_task> tasks;
  tasks.reserve(msg.tasks.size());
  for (offered_task& offered : msg.tasks) {
    tasks.push_back(std::move(offered.task));
    contexts_.try_emplace(offered.order.run, offered.context);
    const core::attempt_id attempt = offered.order.attempt;
    attempts_.insert_or_assign(attempt, std::move(offered.order));
  }
  perform(logic_->submit(tasks));
}

void scheduler_state::stop(const stop_attempts& msg) {
  std::vector<core::attempt_id> waiting;
  std::map<core::node_id, stop_attempts> running;
  for (const core::attempt_id attempt : msg.attempts) {
    const auto found = attempts_.find(attempt);
    if (found == attempts_.end())
      continue;
    if (auto* out = std::get_if<sent>(&found->second)) {
      out->stopped = true;
      running[out->node].attempts.push_back(attempt);
    } else {
      waiting.push_back(attempt);
      attempts_.erase(found);
    }
  }
  for (auto& [node, order] : running)
    if (const auto agent = agents_.find(node); agent != agents_.end())
      self_->send(agent->second, std::move(order));
  perform(logic_->attempts_ended(waiting));
}

void scheduler_state::take_back(attempt_refused& msg) {
  const core::attempt_id attempt = msg.order.attempt;
  const auto found = attempts_.find(attempt);
  // Its node was lost meanwhile: the run has offered the task again.
  if (found == attempts_.end() || !std::holds_alternative<sent>(found->second))
    return;
  const sent out = std::get<sent>(found->second);
  if (out.stopped) {
    attempts_.erase(found);
    perform(logic_->attempt_ended(attempt));
  } else {
    found->second = std::move(msg.order);
    perform(logic_->refused(attempt, msg.free));
  }
  if (msg.draining)
    perform(logic_->node_drained(out.node));
}

void scheduler_state::lose(core::node_id node) {
  if (agents_.erase(node) == 0)
    return;
  std::erase_if(attempts_, [&](const auto& entry) {
    const auto* out = std::get_if<sent>(&entry.second);
    return out && out->node == node;
  });
  perform(logic_->node_lost(node));
  for (const auto& [run, context] : contexts_)
    self_->send(context, node_gone{node});
}

void scheduler_state::perform(const core::scheduling_actions& todo) {
  std::map<core::node_id, run_attempts> batches;
  std::map<std::pair<core::run_id, core::node_id>, std::pair<dag_context_actor, attempts_assigned>>
      news;
  for (const core::scheduling_action& action : todo) {
    if (const auto* placed = std::get_if<core::assign>(&action)) {
      place& at = attempts_.at(placed->attempt);
      attempt_order& order = std::get<attempt_order>(at);
      auto& report = news[{placed->run, placed->node}];
      report.first = contexts_.at(placed->run);
      report.second.node = placed->node;
      report.second.attempts.push_back(placed->attempt);
      batches[placed->node].orders.push_back(std::move(order));
      at = sent{placed->node};
    } else if (const auto* rejected = std::get_if<core::reject>(&action)) {
      const auto held = attempts_.find(rejected->attempt);
      self_->send(std::get<attempt_order>(held->second).context,
                  attempt_lost{rejected->attempt, rejected->reason});
      attempts_.erase(held);
    }
  }
  for (auto& [key, report] : news)
    self_->send(report.first, std::move(report.second));
  for (auto& [node, batch] : batches)
    self_->send(agents_.at(node), std::move(batch));
}

scheduler_actor::behavior_type scheduler(scheduler_actor::stateful_pointer<scheduler_state> self,
                                         core::scheduler::options settings) {
  return self->state.make_behavior(settings);
}

} // namespace maze::actors
