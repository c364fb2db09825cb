// What people ask a run.
#include "maze/actors/dag_context.hpp"
#include "maze/actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

namespace {

/// Of a reason that stands in a row; the whole of it is in the report.
constexpr std::size_t message_max = 400;
/// Of the running tasks that come with news.
constexpr std::uint32_t running_max = 8;

} // namespace

core::result<core::task_id> dag_context_state::find_task(const std::string& wanted) const {
  if (const auto task = logic_->tasks().find(wanted))
    return *task;
  return core::fail(core::errc::not_found, fmt::format("the run has no task '{}'", wanted), "run");
}

past_attempt dag_context_state::told_of(const core::run_trace::stay& at,
                                        const core::run_trace::account& told) const {
  past_attempt out{.number = at.number,
                   .node = at.node,
                   .phases = told.phases,
                   .isolation = told.isolation,
                   .reason = at.reason};
  const core::instant from = at.began == core::instant{} ? at.placed : at.began;
  if (at.began != core::instant{} || at.ended != core::instant{}) {
    out.began = from - started_;
    out.elapsed = (at.ended == core::instant{} ? now() : at.ended) - from;
  }
  for (core::phase_times::span& one : out.phases.spans)
    if (one.ended > core::duration::zero()) {
      one.began += at.placed - started_;
      one.ended += at.placed - started_;
    }
  return out;
}

task_row dag_context_state::row_of(core::task_id task) const {
  const core::error& reason = logic_->reason(task);
  const past_attempt last = told_of(trace_->last(task), trace_->told(task));
  const core::task_spec& spec = logic_->tasks().spec(task);
  task_row out{.name = spec.name,
               .kind = core::kind_of(spec.action),
               .calls = core::call_site(spec.action),
               .state = logic_->state(task),
               .attempts = logic_->attempts(task),
               .node = last.node,
               .began = last.began,
               .elapsed = last.elapsed,
               .phases = last.phases,
               .isolation = last.isolation,
               .reason = reason.code,
               .message = reason.message.substr(0, message_max)};
  for (const core::run_trace::past& one : trace_->earlier(task, past_attempts_max))
    out.earlier.push_back(told_of(one.at, one.told));
  return out;
}

blob_list dag_context_state::blobs_among(const core::digest_set* wanted) const {
  core::digest_set found;
  const auto look = [&](const core::digest& blob) {
    if (wanted == nullptr || wanted->count(blob) > 0)
      found.insert(blob);
  };
  std::for_each(snapshot_.begin(), snapshot_.end(), look);
  logic_->visit_publications([&look](core::task_id, const core::manifest_delta& files) {
    for (const auto& [path, entry] : files.written)
      if (entry.kind == core::file_kind::file)
        look(entry.hash);
  });
  return std::make_shared<const std::vector<core::digest>>(found.begin(), found.end());
}

task_page dag_context_state::rows(const list_tasks& msg) const {
  task_page out{.total = logic_->tasks().size(), .rows = {}};
  const auto count = std::min<std::uint64_t>(msg.count, task_page_max);
  for (std::uint64_t i = msg.first; i < out.total && out.rows.size() < count; ++i)
    out.rows.push_back(row_of(core::task_id{i}));
  for (const auto& [attempt, active] : active_)
    if (active.task.value >= msg.first && active.task.value - msg.first < out.rows.size())
      out.rows[active.task.value - msg.first].at = active.at;
  return out;
}

caf::result<attempt_place> dag_context_state::place_of(const find_attempt& msg) const {
  const auto task = find_task(msg.task);
  if (!task)
    return to_caf(task.error());
  const std::uint32_t attempts = logic_->attempts(*task);
  if (msg.number > attempts)
    return to_caf({.code = core::errc::not_found,
                   .message = fmt::format("task '{}' has had {} attempt{} so far", msg.task,
                                          attempts, attempts == 1 ? "" : "s"),
                   .origin = "run"});
  attempt_place out{.number = msg.number == 0 ? attempts : msg.number};
  out.node = trace_->node_of(*task, out.number).value_or(core::node_id{});
  out.ended = out.number < attempts || core::is_terminal(logic_->state(*task));
  if (out.number == attempts) {
    for (const auto& [attempt, active] : active_)
      if (active.task == *task)
        out.attempt = attempt;
    out.output = logic_->output(*task);
  }
  return out;
}

caf::result<bool> dag_context_state::cancel_one(cancel_task msg) {
  const auto task = find_task(msg.task);
  if (!task)
    return to_caf(task.error());
  auto step = logic_->cancel_task(*task, std::move(msg.reason), now());
  const bool some = !step.facts.empty();
  perform(std::move(step));
  return some;
}

bool dag_context_state::has_news(std::uint64_t seen) const {
  return over_ || seen < ended_badly_.size();
}

run_news dag_context_state::news_since(std::uint64_t seen) const {
  run_news out{.next = std::min<std::uint64_t>(seen, ended_badly_.size()),
               .status = status(running_max),
               .total = logic_->tasks().size()};
  for (; out.next < ended_badly_.size() && out.not_completed.size() < news_max; ++out.next)
    out.not_completed.push_back(outcome_of(ended_badly_[out.next]));
  out.ended = over_ && out.next == ended_badly_.size();
  return out;
}

caf::result<run_news> dag_context_state::await(const await_news& msg) {
  if (has_news(msg.seen) || msg.patience <= core::duration::zero())
    return news_since(msg.seen);
  const std::uint64_t number = ++last_question_;
  auto reply = self_->make_response_promise<run_news>();
  questions_.emplace(number, question{msg.seen, reply});
  self_->delayed_send(self_, std::min(msg.patience, patience_max), news_due{number});
  return reply;
}

void dag_context_state::tell_news() {
  for (auto next = questions_.begin(); next != questions_.end();) {
    const auto at = next++;
    if (!has_news(at->second.seen))
      continue;
    at->second.reply.deliver(news_since(at->second.seen));
    questions_.erase(at);
  }
}

void dag_context_state::end_patience(std::uint64_t number) {
  auto waiting = questions_.extract(number);
  if (!waiting.empty())
    waiting.mapped().reply.deliver(news_since(waiting.mapped().seen));
}

} // namespace maze::actors
