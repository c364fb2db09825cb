#include "maze/core/graph_run_books.hpp"

#include "maze/core/ensure.hpp"
#include "maze/core/workflow.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {
namespace {

std::uint32_t row(task_id task) noexcept { return static_cast<std::uint32_t>(task.value); }

std::size_t slot(task_state x) noexcept { return static_cast<std::size_t>(x); }

task_ended bad_end(task_id task, task_state state, attempt_id attempt, const error& reason) {
  task_ended fact;
  fact.task = task;
  fact.state = state;
  fact.attempt = attempt;
  fact.reason = reason;
  return fact;
}

} // namespace

graph_run_books::graph_run_books(std::shared_ptr<const graph> graph_of_run,
                                 graph_run::options chosen)
    : tasks(std::move(graph_of_run)),
      options(std::move(chosen)),
      states(tasks->size(), task_state::pending),
      missing(tasks->size()),
      attempts(tasks->size()),
      position(tasks->size()),
      token(tasks->size()),
      outputs(tasks->size()),
      files(tasks, options.conflicts, options.snapshot) {
  counts[slot(task_state::pending)] = tasks->size();
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    missing[i] = static_cast<std::uint32_t>(tasks->dependencies(task_id{i}).size());
    position[row(tasks->order()[i])] = i;
  }
}

std::optional<std::uint32_t> graph_run_books::index_of(attempt_id attempt) const noexcept {
  if (attempt.epoch != options.epoch || attempt.counter < options.first_token
      || attempt.counter - options.first_token >= minted.size())
    return std::nullopt;
  return static_cast<std::uint32_t>(attempt.counter - options.first_token);
}

attempt_id graph_run_books::attempt_of(task_id task) const noexcept {
  const auto index = token[row(task)];
  return index == 0 ? attempt_id{} : attempt_id{options.epoch, counter_of(index - 1)};
}

std::optional<task_id> graph_run_books::holder(attempt_id attempt) const noexcept {
  const auto index = index_of(attempt);
  if (!index)
    return std::nullopt;
  const task_id task{minted[*index]};
  if (token[row(task)] != *index + 1 || is_terminal(states[row(task)]))
    return std::nullopt;
  return task;
}

std::optional<task_id> graph_run_books::current(attempt_id attempt) noexcept {
  const auto task = holder(attempt);
  if (!task)
    ++stale_refused;
  return task;
}

bool graph_run_books::accepted(attempt_id attempt) const noexcept {
  const auto index = index_of(attempt);
  return index && token[minted[*index]] == *index + 1
         && states[minted[*index]] == task_state::completed;
}

tl::unexpected<error> graph_run_books::stale(attempt_id attempt) const {
  return fail(errc::stale, fmt::format("attempt {}.{} is no longer the current one of any task",
                                       attempt.epoch, attempt.counter));
}

void graph_run_books::move(task_id task, task_state to) noexcept {
  auto& at = states[row(task)];
  ensure(may_become(at, to), "a task takes no step outside the table of states");
  --counts[slot(at)];
  ++counts[slot(to)];
  at = to;
}

void graph_run_books::move_to_running(task_id task) noexcept {
  if (states[row(task)] == task_state::queued)
    move(task, task_state::assigned);
  if (states[row(task)] == task_state::assigned)
    move(task, task_state::running);
}

void graph_run_books::enter(run_step& step, run_state to) {
  ensure(may_become(state, to), "a run takes no step outside the table of states");
  state = to;
  step.facts.emplace_back(run_state_changed{to});
}

void graph_run_books::make_ready(run_step& step, task_id task) {
  if (auto clear = look(task); !clear) {
    end(step, task, task_state::failed, std::make_shared<const error>(std::move(clear.error())));
    return;
  }
  move(task, task_state::queued);
  queue(task);
}

result<void> graph_run_books::look(task_id task) {
  if (files.publications() == 0)
    return {};
  std::vector<file_history::horizon> parts;
  for (const task_id dependency : tasks->dependencies(task))
    parts.push_back(seen_by(dependency));
  const auto joined = files.join(parts);
  if (!joined.seen)
    return {};
  seen[row(task)] = joined.seen;
  if (!joined.mixed || !files.may_conflict())
    return {};
  if (joined.seen != judged_) {
    const auto merged = files.merge(joined.seen);
    verdict_ = merged ? std::nullopt : std::optional(merged.error());
    judged_ = joined.seen;
  }
  return verdict_ ? result<void>(fail(*verdict_)) : result<void>();
}

void graph_run_books::queue(task_id task) {
  const auto last = static_cast<std::uint32_t>(INT32_MAX)
                    - static_cast<std::uint32_t>(tasks->spec(task).priority);
  ready.push(std::uint64_t{last} << 32 | position[row(task)]);
}

void graph_run_books::unqueue(task_id task) {
  std::erase_if(delayed, [&](const auto& waiting) { return waiting.second == row(task); });
  decltype(ready) rest;
  for (; !ready.empty(); ready.pop())
    if (static_cast<std::uint32_t>(ready.top()) != position[row(task)])
      rest.push(ready.top());
  ready = std::move(rest);
}

void graph_run_books::offer(run_step& step, task_id task) {
  ensure(minted.size() < graph_run::tokens_max / 2 - 1,
         "a run mints no more tokens than are its own");
  minted.push_back(row(task));
  token[row(task)] = static_cast<std::uint32_t>(minted.size());
  ++attempts[row(task)];
  offered.emplace(row(task), place{});
  step.todo.emplace_back(offer_task{task, attempt_of(task)});
}

result<void> graph_run_books::keep_declared(task_id task, manifest_delta& changed) const {
  if (auto checked = check_file_map(changed.written); !checked)
    return checked;
  const auto& globs = tasks->spec(task).deletes;
  std::erase_if(changed.removed, [&](const std::string& path) {
    return std::none_of(globs.begin(), globs.end(),
                        [&](const std::string& glob) { return glob_match(glob, path); });
  });
  for (const auto& path : changed.removed)
    if (auto checked = check_path(path); !checked)
      return checked;
  return {};
}

void graph_run_books::complete(run_step& step, task_id task, std::string output,
                               manifest_delta changed) {
  offered.erase(row(task));
  move(task, task_state::completed);
  outputs[row(task)] = output;
  if (!changed.written.empty() || !changed.removed.empty())
    seen[row(task)] = files.publish(task, seen_by(task), changed);
  const auto attempt = attempt_of(task);
  step.facts.emplace_back(task_ended{.task = task,
                                     .state = task_state::completed,
                                     .attempt = attempt,
                                     .output = std::move(output),
                                     .files = std::move(changed),
                                     .reason = {}});
  step.todo.emplace_back(acknowledge{attempt});
  step.todo.emplace_back(announce_task{task});
  for (const task_id successor : tasks->successors(task))
    if (--missing[row(successor)] == 0 && states[row(successor)] == task_state::pending)
      make_ready(step, successor);
}

bool graph_run_books::charge(task_id task, const error& reason) {
  if (!is_retryable(reason.code))
    return false;
  auto& count = failures[row(task)];
  const bool blameless = reason.code == errc::node_lost || reason.code == errc::worker_crash;
  if (blameless && count.free < options.free_retries) {
    ++count.free;
    return true;
  }
  if (count.charged == tasks->spec(task).retries)
    return false;
  ++count.charged;
  return true;
}

void graph_run_books::attempt_lost(run_step& step, task_id task, error reason, instant now) {
  const auto attempt = attempt_of(task);
  if (!charge(task, reason)) {
    const auto to = reason.code == errc::cancelled ? task_state::cancelled
                    : reason.code == errc::timeout_wall || reason.code == errc::timeout_cpu
                        ? task_state::timeout
                        : task_state::failed;
    end(step, task, to, std::make_shared<const error>(std::move(reason)));
    return;
  }
  const bool at_once = reason.code == errc::node_lost;
  step.facts.emplace_back(attempt_failed{task, attempt, std::move(reason)});
  offered.erase(row(task));
  token[row(task)] = 0;
  if (states[row(task)] != task_state::queued)
    move(task, task_state::queued);
  const auto& count = failures[row(task)];
  const auto wait = at_once ? duration::zero()
                            : retry_delay(options.retry_delay, count.charged + count.free - 1,
                                          options.seed ^ attempt.counter);
  if (wait <= duration::zero())
    queue(task);
  else
    delayed.emplace(now + wait, row(task));
}

void graph_run_books::end(run_step& step, task_id task, task_state to,
                          std::shared_ptr<const error> reason) {
  const auto attempt = attempt_of(task);
  offered.erase(row(task));
  token[row(task)] = 0;
  move(task, to);
  step.facts.emplace_back(bad_end(task, to, attempt, *reason));
  step.todo.emplace_back(announce_task{task});
  reasons[row(task)] = std::move(reason);
  if (state != run_state::cancelling)
    cancel_successors(step, task);
}

void graph_run_books::cancel_successors(run_step& step, task_id failed) {
  const auto reason = std::make_shared<const error>(
      error{.code = errc::upstream_failed,
            .message = fmt::format("task \"{}\", on which this one depends, ended as {}",
                                   tasks->spec(failed).name, to_string(states[row(failed)]))});
  std::vector<task_id> reached{failed};
  for (std::size_t next = 0; next < reached.size(); ++next)
    for (const task_id successor : tasks->successors(reached[next])) {
      if (is_terminal(states[row(successor)]))
        continue;
      move(successor, task_state::cancelled);
      reasons[row(successor)] = reason;
      step.facts.emplace_back(bad_end(successor, task_state::cancelled, {}, *reason));
      step.todo.emplace_back(announce_task{successor});
      reached.push_back(successor);
    }
}

void graph_run_books::cancel_all(run_step& step, error reason) {
  const auto shared = std::make_shared<const error>(std::move(reason));
  ready = {};
  delayed.clear();
  wake.reset();
  for (const task_id task : tasks->order()) {
    if (is_terminal(states[row(task)]))
      continue;
    if (token[row(task)] != 0)
      step.todo.emplace_back(stop_attempt{task, attempt_of(task)});
    end(step, task, task_state::cancelled, shared);
  }
}

void graph_run_books::cancel_one(run_step& step, task_id task, error reason) {
  if (token[row(task)] != 0)
    step.todo.emplace_back(stop_attempt{task, attempt_of(task)});
  else
    unqueue(task);
  end(step, task, task_state::cancelled, std::make_shared<const error>(std::move(reason)));
}

void graph_run_books::end_waits(run_step&, instant now) {
  if (wake && *wake <= now)
    wake.reset();
  while (!delayed.empty() && delayed.begin()->first <= now) {
    queue(task_id{delayed.begin()->second});
    delayed.erase(delayed.begin());
  }
}

void graph_run_books::settle(run_step& step) {
  const auto order = tasks->order();
  while (!ready.empty() && offered.size() < options.offered_max) {
    offer(step, order[static_cast<std::uint32_t>(ready.top())]);
    ready.pop();
  }
  if (!delayed.empty() && (!wake || delayed.begin()->first < *wake)) {
    wake = delayed.begin()->first;
    step.todo.emplace_back(wake_at{*wake});
  }
  const auto ended = counts[slot(task_state::completed)] + counts[slot(task_state::failed)]
                     + counts[slot(task_state::cancelled)] + counts[slot(task_state::timeout)];
  if (ended < tasks->size() || options.has_calls || is_terminal(state)
      || state == run_state::accepted)
    return;
  if (state == run_state::running
      && (calls_failed || counts[slot(task_state::failed)] + counts[slot(task_state::timeout)] > 0))
    enter(step, run_state::failed);
  else if (state == run_state::running && counts[slot(task_state::cancelled)] == 0)
    enter(step, run_state::completed);
  else {
    if (state == run_state::running)
      enter(step, run_state::cancelling);
    enter(step, run_state::cancelled);
  }
  step.todo.emplace_back(announce_run{state});
}

std::vector<task_id> graph_run_books::tasks_on(node_id node) const {
  std::vector<task_id> found;
  for (const auto& [task, where] : offered)
    if (where == node)
      found.push_back(task_id{task});
  std::sort(found.begin(), found.end());
  return found;
}

file_history::horizon graph_run_books::seen_by(task_id task) const {
  const auto found = seen.find(row(task));
  return found == seen.end() ? nullptr : found->second;
}

void graph_run_books::check_invariants() const {
  std::array<std::size_t, 9> found{};
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    ++found[slot(states[i])];
    check_task(task_id{i});
  }
  ensure(found == counts, "the counts are those of the states");
  ensure(offered.size() <= options.offered_max, "no more is offered than the window holds");
  ensure(ready.empty() || offered.size() == options.offered_max,
         "nothing waits while the window has room");
  std::size_t offered_queued = 0;
  for (const auto& entry : offered)
    offered_queued += states[entry.first] == task_state::queued ? 1 : 0;
  ensure(counts[slot(task_state::queued)] == ready.size() + delayed.size() + offered_queued,
         "a queued task is ready, offered or waits for its next attempt");
  ensure(delayed.empty() || (wake && *wake <= delayed.begin()->first),
         "who waits for a moment has asked to be woken");
  const bool all_ended =
      std::all_of(states.begin(), states.end(), [](task_state x) { return is_terminal(x); });
  ensure(state == run_state::accepted || options.has_calls || all_ended == is_terminal(state),
         "a run ends when its last task does");
}

void graph_run_books::check_task(task_id task) const {
  const auto at = states[row(task)];
  std::uint32_t open = 0;
  for (const task_id dependency : tasks->dependencies(task))
    open += states[row(dependency)] == task_state::completed ? 0 : 1;
  ensure(open == missing[row(task)], "a task misses the dependencies that have not completed");
  ensure(open == 0 || at == task_state::pending || at == task_state::cancelled,
         "nothing goes before what it depends on");
  ensure(open > 0 || at != task_state::pending || state == run_state::accepted,
         "a task is ready once all it depends on has completed");
  const bool out = offered.count(row(task)) != 0;
  ensure(out == (token[row(task)] != 0 && !is_terminal(at)), "who holds a token is in the window");
  ensure(out || (at != task_state::assigned && at != task_state::running),
         "only what was offered can run");
  ensure((at == task_state::completed) <= (token[row(task)] != 0),
         "a completed task keeps the token of its publication");
}

} // namespace maze::core
