#include "maze/core/scheduler.hpp"

#include "maze/core/scheduler_books.hpp"

#include <utility>

namespace maze::core {

struct scheduler::data : scheduler_books {
  using scheduler_books::scheduler_books;
};

scheduler::scheduler(options settings) : data_(std::make_unique<data>(settings)) {}
scheduler::scheduler(scheduler&&) noexcept = default;
scheduler& scheduler::operator=(scheduler&&) noexcept = default;
scheduler::~scheduler() = default;

scheduling_actions scheduler::submit(const ready_task& task) {
  data_->enqueue(task);
  return data_->decide();
}

scheduling_actions scheduler::submit(const std::vector<ready_task>& tasks) {
  for (const auto& task : tasks)
    data_->enqueue(task);
  return data_->decide();
}

scheduling_actions scheduler::node_joined(node_id node, const resources& total,
                                          const sandbox_offer& offers, node_labels labels) {
  data_->join(node, total, offers, std::move(labels));
  return data_->decide();
}

scheduling_actions scheduler::node_lost(node_id node) {
  data_->lose(node);
  return data_->decide();
}

scheduling_actions scheduler::node_drained(node_id node) {
  data_->drain(node);
  return data_->decide();
}

scheduling_actions scheduler::node_reported(node_id node, const resources& free) {
  data_->hear(node, free);
  return data_->decide();
}

scheduling_actions scheduler::attempt_ended(attempt_id attempt) {
  data_->forget(attempt);
  return data_->decide();
}

scheduling_actions scheduler::attempts_ended(const std::vector<attempt_id>& attempts) {
  for (const auto& attempt : attempts)
    data_->forget(attempt);
  return data_->decide();
}

scheduling_actions scheduler::refused(attempt_id attempt, const resources& free) {
  data_->take_back_refused(attempt, free);
  return data_->decide();
}

std::size_t scheduler::waiting() const noexcept { return data_->waiting; }
std::size_t scheduler::active() const noexcept { return data_->active; }
void scheduler::check_invariants() const { data_->check_invariants(); }

} // namespace maze::core
