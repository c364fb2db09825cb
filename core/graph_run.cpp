#include "maze/core/graph_run.hpp"

#include "maze/core/graph_run_books.hpp"

#include <fmt/format.h>

namespace maze::core {

struct graph_run::data : graph_run_books {
  using graph_run_books::graph_run_books;
};

graph_run::graph_run(std::shared_ptr<const graph> tasks, options settings)
    : data_(std::make_unique<data>(std::move(tasks), std::move(settings))) {}
graph_run::graph_run(graph_run&&) noexcept = default;
graph_run& graph_run::operator=(graph_run&&) noexcept = default;
graph_run::~graph_run() = default;

run_step graph_run::start(instant) {
  run_step step;
  if (data_->state != run_state::accepted)
    return step;
  data_->enter(step, run_state::running);
  for (const task_id task : data_->tasks->order())
    if (data_->tasks->dependencies(task).empty())
      data_->make_ready(step, task);
  data_->settle(step);
  return step;
}

run_step graph_run::attempt_assigned(attempt_id attempt, node_id node, instant) {
  if (const auto task = data_->current(attempt)) {
    data_->offered[static_cast<std::uint32_t>(task->value)] = node;
    if (data_->states[task->value] == task_state::queued)
      data_->move(*task, task_state::assigned);
  }
  return {};
}

run_step graph_run::attempt_running(attempt_id attempt, phase, instant) {
  if (const auto task = data_->current(attempt))
    data_->move_to_running(*task);
  return {};
}

result<run_step> graph_run::publish(attempt_id attempt, std::string output, manifest_delta files,
                                    instant) {
  run_step step;
  if (data_->accepted(attempt)) {
    step.todo.emplace_back(acknowledge{attempt});
    return step;
  }
  const auto task = data_->current(attempt);
  if (!task)
    return data_->stale(attempt);
  if (auto checked = data_->keep_declared(*task, files); !checked)
    return fail(std::move(checked.error()));
  data_->move_to_running(*task);
  data_->complete(step, *task, std::move(output), std::move(files));
  data_->settle(step);
  return step;
}

result<run_step> graph_run::attempt_ended(attempt_id attempt, error reason, instant now) {
  const auto task = data_->current(attempt);
  if (!task)
    return data_->stale(attempt);
  if (reason.code == errc::none)
    reason = {.code = errc::scheduler_error, .message = "the attempt ended without a reason"};
  run_step step;
  data_->attempt_lost(step, *task, std::move(reason), now);
  data_->settle(step);
  return step;
}

run_step graph_run::node_lost(node_id node, instant now) {
  run_step step;
  for (const task_id task : data_->tasks_on(node)) {
    // The node may have handed it back before it was lost: then it waits for another one.
    step.todo.emplace_back(stop_attempt{task, data_->attempt_of(task)});
    data_->attempt_lost(
        step, task,
        {.code = errc::node_lost,
         .message = fmt::format("node {} was lost while it held the task", node.value)},
        now);
  }
  data_->settle(step);
  return step;
}

run_step graph_run::cancel(error reason, instant) {
  run_step step;
  if (is_terminal(data_->state))
    return step;
  data_->enter(step, run_state::cancelling);
  data_->cancel_all(step, std::move(reason));
  data_->settle(step);
  return step;
}

run_step graph_run::cancel_task(task_id task, error reason, instant) {
  run_step step;
  if (data_->state != run_state::running || is_terminal(data_->states[task.value]))
    return step;
  data_->cancel_one(step, task, std::move(reason));
  data_->settle(step);
  return step;
}

run_step graph_run::calls_over(bool some_failed, instant) {
  run_step step;
  data_->options.has_calls = false;
  data_->calls_failed = some_failed;
  data_->settle(step);
  return step;
}

run_step graph_run::time_passed(instant now) {
  run_step step;
  data_->end_waits(step, now);
  data_->settle(step);
  return step;
}

result<attempt_view> graph_run::view_of(task_id task) const {
  const auto at = data_->states[task.value];
  if (at == task_state::pending)
    return fail(errc::invalid_argument,
                fmt::format("task \"{}\" still waits for others, so what it sees is not settled",
                            tasks().spec(task).name));
  auto files = data_->files.merge(data_->seen_by(task));
  if (!files)
    return fail(std::move(files.error()));
  attempt_view view{.published = std::move(*files), .outputs = {}};
  for_each_reference(tasks().spec(task), [&](const reference& ref) {
    if (const auto source = tasks().find(ref.task))
      view.outputs.try_emplace(ref.task, output(*source));
  });
  return view;
}

result<file_map> graph_run::collected() const {
  auto files = data_->files.merge_all();
  if (!files)
    return fail(std::move(files.error()));
  return std::move(files->written);
}

void graph_run::visit_publications(
    const std::function<void(task_id, const manifest_delta&)>& visit) const {
  data_->files.visit(visit);
}

run_state graph_run::state() const noexcept { return data_->state; }
task_state graph_run::state(task_id task) const noexcept { return data_->states[task.value]; }
const graph& graph_run::tasks() const noexcept { return *data_->tasks; }
const std::string& graph_run::output(task_id task) const noexcept {
  return data_->outputs[task.value];
}
std::uint32_t graph_run::attempts(task_id task) const noexcept {
  return data_->attempts[task.value];
}
const std::array<std::size_t, 9>& graph_run::counts() const noexcept { return data_->counts; }
std::uint64_t graph_run::stale_refused() const noexcept { return data_->stale_refused; }
void graph_run::check_invariants() const { data_->check_invariants(); }

const error& graph_run::reason(task_id task) const noexcept {
  static const error none;
  const auto found = data_->reasons.find(static_cast<std::uint32_t>(task.value));
  return found == data_->reasons.end() ? none : *found->second;
}

std::optional<task_id> graph_run::find(attempt_id attempt) const noexcept {
  return data_->holder(attempt);
}

} // namespace maze::core
