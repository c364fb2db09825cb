#include "maze/actors/dag_context.hpp"

#include "maze/actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace maze::actors {

dag_context_actor::behavior_type dag_context_state::make_behavior(dag_context_setup setup) {
  setup_ = std::move(setup);
  listener_ = setup_.work->listener;
  result_ = setup_.work->result;
  setup_.settings.conflicts = setup_.work->rules.conflicts;
  if (setup_.settings.conflicts == core::conflict_policy::rename)
    setup_.settings.snapshot = std::make_shared<const core::file_map>(setup_.work->files);
  setup_.settings.has_calls = setup_.work->calls != nullptr;
  const core::graph_run::options settings = setup_.settings;
  logic_.emplace(setup_.work->tasks, std::exchange(setup_.settings, {}));
  if (setup_.work->calls)
    spawn_hub(*setup_.work, settings);
  trace_.emplace(setup_.work->tasks->size());
  // The snapshot and the secrets are the nodes' business, through the registry.
  for (const auto& [path, entry] : setup_.work->files)
    if (entry.kind == core::file_kind::file)
      snapshot_.push_back(entry.hash);
  for (const auto& [name, library] : setup_.work->libraries)
    snapshot_.push_back(library.hash);
  for (const auto& [name, archive] : setup_.work->archives)
    snapshot_.push_back(archive.hash);
  setup_.work = nullptr;
  return {
      [this](start_run) {
        started_ = now();
        perform(logic_->start(started_));
      },
      [this](const attempts_assigned& msg) {
        for (const core::attempt_id attempt : msg.attempts) {
          if (const auto task = logic_->find(attempt)) {
            active_[attempt] = {.task = *task, .since = now(), .node = msg.node};
            trace_->placed(*task, logic_->attempts(*task), msg.node, now());
          } else if (hub_) {
            self_->send(hub_, attempts_assigned{msg.node, {attempt}});
            continue;
          }
          perform(logic_->attempt_assigned(attempt, msg.node, now()));
        }
      },
      [this](const attempt_entered& msg) {
        if (const auto found = active_.find(msg.attempt); found != active_.end()) {
          found->second.at = msg.at;
          if (!std::exchange(found->second.begun, true))
            found->second.since = now();
          trace_->began(found->second.task, now());
        }
        perform(logic_->attempt_running(msg.attempt, msg.at, now()));
      },
      [this](publish_attempt& msg) { publish(msg); },
      [this](attempt_lost& msg) {
        if (hub_ && !logic_->find(msg.attempt))
          self_->send(hub_, msg);
        else
          lose(std::move(msg));
      },
      [this](const node_gone& msg) {
        forget_node(msg.node);
        if (hub_)
          self_->send(hub_, msg);
      },
      [this](cancel_run& msg) {
        if (hub_)
          self_->send(hub_, msg);
        perform(logic_->cancel(std::move(msg.reason), now()));
      },
      [this](const lane_ready& msg) {
        if (hub_)
          self_->send(hub_, msg);
        else
          self_->send(msg.host, end_lane{msg.lane});
      },
      [this](const call_progress& msg) { calls_ = msg; },
      [this](calls_over msg) { perform(logic_->calls_over(msg.failed > 0, now())); },
      [this](ask_calls) -> caf::result<call_service> {
        if (hub_)
          return call_service{hub_, calls_need_};
        return to_caf({.code = core::errc::not_found,
                       .message = "the run takes no calls",
                       .origin = "calls"});
      },
      [this](run_tick) {
        wake_at_ = core::instant::max();
        perform(logic_->time_passed(now()));
      },
      [this](facts_durable msg) {
        durable_ticket_ = msg.ticket;
        release_gated();
      },
      [this](ask_status msg) { return status(msg.running_max); },
      [this](ask_report) { return report(); },
      [this](const name_blobs& msg) { return blobs_among(msg.among.get()); },
      [this](const list_tasks& msg) { return rows(msg); },
      [this](const find_attempt& msg) { return place_of(msg); },
      [this](cancel_task& msg) { return cancel_one(std::move(msg)); },
      [this](const await_news& msg) { return await(msg); },
      [this](news_due msg) { end_patience(msg.question); },
  };
}

void dag_context_state::spawn_hub(const submission& work,
                                  const core::graph_run::options& settings) {
  calls_need_ = core::needed_permissions(*work.calls);
  // Of the tokens of the run, lanes have the upper half.
  hub_ = setup_.spawn_hub(
      {.run = setup_.run,
       .plan = work.calls,
       .first_lane = {settings.epoch, settings.first_token + core::graph_run::tokens_max / 2},
       .scheduler = setup_.scheduler,
       .journal = setup_.journal,
       .context = self_});
}

void dag_context_state::note_cut(core::attempt_id attempt, std::vector<cut_stream>& streams) {
  // Of an attempt that is no longer the task's nobody sees a value.
  if (const auto task = logic_->find(attempt))
    for (cut_stream& stream : std::exchange(streams, {}))
      cut_.push_back(
          {logic_->tasks().spec(*task).name, logic_->attempts(*task), std::move(stream)});
}

void dag_context_state::publish(publish_attempt& msg) {
  note_cut(msg.attempt, msg.cut);
  const auto found = active_.find(msg.attempt);
  std::uint64_t bytes = 0;
  for (const auto& [path, entry] : msg.files.written)
    bytes += entry.size;
  auto step = logic_->publish(msg.attempt, std::move(msg.output), std::move(msg.files), now());
  if (found != active_.end()) {
    const core::task_id task = found->second.task;
    if (step)
      trace_->told(task, {msg.phases, msg.isolation});
    if (step && bytes > 0)
      written_[task] = {found->second.node, bytes};
    if (step)
      for (std::string& path : msg.left_out)
        left_out_.push_back({std::move(path), logic_->tasks().spec(task).name});
    forget(found, step ? core::errc::none : step.error().code);
  }
  if (step)
    perform(std::move(*step));
  else if (step.error().code != core::errc::stale)
    // Files that no store may hold: the attempt has failed, whatever it wanted to say.
    lose({msg.attempt, step.error(), {}, msg.phases, msg.isolation});
}

void dag_context_state::lose(attempt_lost msg) {
  note_cut(msg.attempt, msg.cut);
  if (const auto found = active_.find(msg.attempt); found != active_.end())
    trace_->told(found->second.task, {msg.phases, msg.isolation});
  forget(active_.find(msg.attempt), msg.reason.code);
  if (auto step = logic_->attempt_ended(msg.attempt, std::move(msg.reason), now()))
    perform(std::move(*step));
}

void dag_context_state::forget_node(core::node_id node) {
  for (auto next = active_.begin(); next != active_.end();)
    if (const auto at = next++; at->second.node == node)
      forget(at, core::errc::node_lost);
  perform(logic_->node_lost(node, now()));
}

void dag_context_state::perform(core::run_step step) {
  if (setup_.journal && !step.facts.empty()) {
    append_facts append{.facts = {}, .ticket = ++last_ticket_};
    append.facts.reserve(step.facts.size());
    for (core::run_fact& fact : step.facts)
      append.facts.push_back(core::run_progressed{setup_.run, std::move(fact)});
    self_->send(setup_.journal, std::move(append));
  }
  offer_tasks offers;
  stop_attempts stops;
  for (core::run_deed& deed : step.todo) {
    if (const auto* ready = std::get_if<core::offer_task>(&deed)) {
      offer(*ready, offers);
    } else if (const auto* stop = std::get_if<core::stop_attempt>(&deed)) {
      forget(active_.find(stop->attempt), core::errc::cancelled);
      stops.attempts.push_back(stop->attempt);
    } else if (const auto* wake = std::get_if<core::wake_at>(&deed)) {
      if (wake->at < wake_at_) {
        wake_at_ = wake->at;
        self_->delayed_send(self_, std::max(wake->at - now(), core::instant::zero()), run_tick{});
      }
    } else {
      gated_.emplace_back(last_ticket_, std::move(deed));
    }
  }
  if (!stops.attempts.empty())
    self_->send(setup_.scheduler, std::move(stops));
  if (!offers.tasks.empty())
    self_->send(setup_.scheduler, std::move(offers));
  release_gated();
}

void dag_context_state::release_gated() {
  run_event news{.run = setup_.run};
  while (!gated_.empty() && gated_.front().first <= durable_ticket_) {
    perform_gated(gated_.front().second, news);
    gated_.pop_front();
  }
  // The master first: whoever hears of the end may ask it to forget the run.
  if (news.ended)
    self_->send(setup_.master, run_ended{setup_.run, news.state});
  if ((news.ended || !news.not_completed.empty()) && listener_)
    self_->send(listener_, news);
  if (news.ended) {
    listener_ = nullptr;
    over_ = true;
    ended_ = now();
  }
  tell_news();
}

void dag_context_state::perform_gated(const core::run_deed& deed, run_event& news) {
  if (const auto* ended = std::get_if<core::announce_task>(&deed)) {
    if (logic_->state(ended->task) != core::task_state::completed) {
      news.not_completed.push_back(outcome_of(ended->task));
      ended_badly_.push_back(ended->task);
    }
  } else if (const auto* end = std::get_if<core::announce_run>(&deed)) {
    news.ended = core::is_terminal(end->state);
    news.state = end->state;
  }
}

void dag_context_state::offer(const core::offer_task& deed, offer_tasks& batch) {
  auto view = logic_->view_of(deed.task);
  if (!view) {
    self_->send(self_, attempt_lost{deed.attempt, view.error(), {}});
    return;
  }
  const core::task_spec& spec = logic_->tasks().spec(deed.task);
  batch.tasks.push_back({.task = {.run = setup_.run,
                                  .task = deed.task,
                                  .attempt = deed.attempt,
                                  .needs = spec.needs,
                                  .priority = spec.priority,
                                  .local_bytes = bytes_by_node(deed.task),
                                  .sandbox = core::needed_offer(spec),
                                  .labels = spec.labels},
                         .order = {{.run = setup_.run,
                                    .task = deed.task,
                                    .attempt = deed.attempt,
                                    .number = logic_->attempts(deed.task),
                                    .needs = spec.needs,
                                    .files = std::move(view->published),
                                    .outputs = std::move(view->outputs)},
                                   self_},
                         .context = self_});
}

std::vector<std::pair<core::node_id, std::uint64_t>>
dag_context_state::bytes_by_node(core::task_id task) const {
  std::map<core::node_id, std::uint64_t> sums;
  if (!written_.empty())
    for (const core::task_id dependency : logic_->tasks().dependencies(task))
      if (const auto found = written_.find(dependency); found != written_.end())
        sums[found->second.first] += found->second.second;
  return {sums.begin(), sums.end()};
}

task_outcome dag_context_state::outcome_of(core::task_id task) const {
  return {.task = logic_->tasks().spec(task).name,
          .state = logic_->state(task),
          .attempts = logic_->attempts(task),
          .reason = logic_->reason(task)};
}

void dag_context_state::add_counts(std::array<std::uint64_t, 9>& counts) const {
  std::copy(logic_->counts().begin(), logic_->counts().end(), counts.begin());
  if (!hub_)
    return;
  const auto add = [&](core::call_state from, core::task_state to) {
    counts[static_cast<std::size_t>(to)] += calls_.counts[static_cast<std::size_t>(from)];
  };
  add(core::call_state::waiting, core::task_state::pending);
  add(core::call_state::ready, core::task_state::queued);
  add(core::call_state::out, core::task_state::running);
  add(core::call_state::completed, core::task_state::completed);
  add(core::call_state::failed, core::task_state::failed);
}

run_status dag_context_state::status(std::uint32_t running_max) const {
  run_status out{.state = logic_->state()};
  add_counts(out.counts);
  const core::instant at = now();
  std::vector<const active_attempt*> running;
  for (const auto& [attempt, active] : active_)
    if (logic_->state(active.task) == core::task_state::running)
      running.push_back(&active);
  const auto shown = std::min<std::size_t>(running.size(), running_max);
  std::partial_sort(running.begin(), running.begin() + static_cast<std::ptrdiff_t>(shown),
                    running.end(),
                    [](const auto* a, const auto* b) { return a->since < b->since; });
  running.resize(shown);
  for (const active_attempt* active : running)
    out.running.push_back(
        {logic_->tasks().spec(active->task).name, active->at, at - active->since});
  return out;
}

run_report dag_context_state::report() const {
  run_report out{.state = logic_->state(),
                 .stale_refused = logic_->stale_refused(),
                 .elapsed = started_ == core::instant{} ? core::duration{}
                                                        : (over_ ? ended_ : now()) - started_};
  add_counts(out.counts);
  for (std::uint64_t i = 0; i < logic_->tasks().size(); ++i)
    if (logic_->state(core::task_id{i}) != core::task_state::completed)
      out.not_completed.push_back(outcome_of(core::task_id{i}));
  out.left_out = left_out_;
  out.cut = cut_;
  for (std::uint64_t i = 0; i < logic_->tasks().size(); ++i) {
    const core::task_spec& spec = logic_->tasks().spec(core::task_id{i});
    if (spec.files.report == core::file_report_mode::none)
      continue;
    if (auto told = trace_->told(core::task_id{i}).isolation.files;
        !told.findings.empty() || !told.complete)
      out.file_reports.push_back({spec.name, std::move(told)});
  }
  for (auto& each : trace_->cards())
    out.cards.push_back({std::move(each.what), each.tasks, logic_->tasks().spec(each.first).name});
  logic_->visit_publications([&](core::task_id task, const core::manifest_delta& files) {
    for (const auto& [path, entry] : files.written)
      out.history.push_back({path, logic_->tasks().spec(task).name, entry});
  });
  if (auto files = logic_->collected())
    out.published = std::move(*files);
  else
    out.conflict = files.error();
  if (const auto& wanted = result_)
    if (const auto task = logic_->tasks().find(wanted->task);
        task && logic_->state(*task) == core::task_state::completed)
      if (const auto output = core::decode(logic_->output(*task)))
        if (const auto part = core::resolve(*wanted, *output))
          out.result = core::encode(*part).value_or("");
  return out;
}

void dag_context_state::forget(std::map<core::attempt_id, active_attempt>::iterator gone,
                               core::errc reason) {
  if (gone == active_.end())
    return;
  trace_->ended(gone->second.task, now(), reason);
  active_.erase(gone);
}

core::instant dag_context_state::now() const { return self_->clock().now().time_since_epoch(); }

dag_context_actor::behavior_type
dag_context(dag_context_actor::stateful_pointer<dag_context_state> self, dag_context_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
