#include "maze/actors/master.hpp"

#include "maze/actors/dag_context.hpp"
#include "maze/actors/errors.hpp"
#include "maze/core/run_name.hpp"

#include <caf/exit_reason.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

master_actor::behavior_type master_state::make_behavior(master_setup setup) {
  setup_ = std::move(setup);
  logic_.emplace(setup_.seed);
  self_->set_down_handler([this](const caf::down_msg& down) { node_lost(down.source); });
  self_->set_exit_handler([this](const caf::exit_msg& msg) {
    for (const auto& [run, live] : contexts_)
      self_->send_exit(live.context, msg.reason);
    const caf::error ended = to_caf({.code = core::errc::cancelled,
                                     .message = "the master ended before this was durable",
                                     .origin = "master"});
    for (const auto& [ticket, deed] : std::exchange(gated_, {}))
      deed(ended);
    self_->quit(msg.reason);
  });
  return {
      [this](const submit_run& msg) { return submit(msg); },
      [this](const join_cluster& msg) { return join(msg); },
      [this](const node_silent& msg) { lose(msg); },
      [this](const run_ended& msg) { end(msg); },
      [this](const release_run& msg) { release(msg.run); },
      [this](facts_durable msg) {
        durable_ticket_ = msg.ticket;
        release_gated();
      },
      [this](const list_runs& msg) { return list(msg); },
      [this](const select_run& msg) { return select(msg); },
      [this](const select_nodes& msg) { return select(msg); },
      [this](const forget_runs& msg) { return forget(msg); },
      [this](list_needy) { return all_needy(); },
  };
}

caf::result<run_handle> master_state::submit(const submit_run& msg) {
  const submission& work = *msg.work;
  if (work.calls && !setup_.spawn_hub)
    return to_caf({.code = core::errc::unsupported_operation,
                   .message = "this node takes no calls: only a cluster that serves clients does",
                   .origin = "submit"});
  auto fact = fact_of(work);
  if (!fact)
    return to_caf(fact.error());
  const auto accepted = logic_->submit(work.name, work.client_id);
  if (!accepted)
    return to_caf(accepted.error());
  const core::run_id run = accepted->run;
  if (accepted->fresh) {
    open_run(run, msg);
    fact->run = run;
    keep(std::move(*fact));
  }
  auto reply = self_->make_response_promise<run_handle>();
  once_durable([this, run, reply](const caf::error& failed) mutable {
    if (failed) {
      reply.deliver(failed);
      return;
    }
    const dag_context_actor& context = contexts_.at(run).context;
    if (logic_->run_changed(run, core::run_state::running))
      self_->send(context, start_run{});
    reply.deliver(run_handle{run, context});
  });
  return reply;
}

core::result<core::run_accepted> master_state::fact_of(const submission& work) {
  core::run_accepted fact{.run = {},
                          .name = work.name,
                          .client_id = work.client_id,
                          .base = work.base,
                          .at = std::chrono::system_clock::now().time_since_epoch()};
  if (auto kept = core::set_context(fact, work.context); !kept)
    return core::fail(kept.error());
  fact.tasks.reserve(work.tasks->size());
  for (std::uint64_t i = 0; i < work.tasks->size(); ++i)
    fact.tasks.push_back(work.tasks->spec(core::task_id{i}).name);
  return fact;
}

void master_state::open_run(core::run_id run, const submit_run& msg) {
  const submission& work = *msg.work;
  self_->send(setup_.registry, put_run{std::make_shared<const run_bundle>(run_bundle{
                                   run, work.name, work.tasks, work.context, work.files, work.rules,
                                   work.libraries, work.calls, work.archives})});
  core::graph_run::options settings = setup_.run_settings;
  settings.seed = run.value;
  settings.first_token = opened_++ * core::graph_run::tokens_max + 1;
  contexts_.emplace(
      run,
      live_run{.context = self_->spawn(
                   dag_context, dag_context_setup{run, msg.work, settings, self_, setup_.scheduler,
                                                  setup_.journal, setup_.spawn_hub}),
               .accepted = std::chrono::system_clock::now().time_since_epoch(),
               .collect = work.collect});
  order_.push_back(run);
}

caf::result<node_admission> master_state::join(const join_cluster& msg) {
  auto admitted = logic_->join(msg.who, self_->clock().now().time_since_epoch());
  if (!admitted)
    return to_caf(admitted.error());
  if (admitted->replaced)
    drop(*admitted->replaced);
  const node_admission out{admitted->fact.node, admitted->session, admitted->resumed};
  if (!out.resumed) {
    self_->monitor(msg.agent);
    agents_.push_back({out.node, msg.agent});
    keep(std::move(admitted->fact));
  }
  auto reply = self_->make_response_promise<node_admission>();
  once_durable([this, out, msg, reply](const caf::error& failed) mutable {
    if (failed) {
      reply.deliver(failed);
      return;
    }
    if (!out.resumed)
      self_->send(setup_.scheduler,
                  join_scheduler{out.node, msg.who.total, msg.agent, msg.who.offers,
                                 core::with_name(msg.who.labels, msg.who.name)});
    reply.deliver(out);
  });
  return reply;
}

void master_state::drop(const core::departure& gone) {
  std::erase_if(agents_, [&](const member_agent& m) { return m.node == gone.fact.node; });
  keep(gone.fact);
  self_->send(setup_.scheduler, node_gone{gone.fact.node});
}

void master_state::end(const run_ended& msg) {
  if (msg.state == core::run_state::cancelled)
    // On the way there the run was cancelling, which nobody but its DAGContext needed to know.
    static_cast<void>(logic_->run_changed(msg.run, core::run_state::cancelling));
  // A twin that refuses the news has heard it before.
  if (!logic_->run_changed(msg.run, msg.state))
    return;
  self_->send(setup_.registry, forget_run{msg.run});
  self_->send(setup_.scheduler, close_run{msg.run});
  for (const member_agent& member : agents_)
    self_->send(member.agent, close_run{msg.run});
  ended_.push_back(msg.run);
  if (ended_.size() > setup_.ended_runs_max)
    release(ended_.front());
}

void master_state::release(core::run_id run) {
  reclaim_runs left{.runs = {}, .contexts = {}, .everything = false, .source = self_};
  leave(run, left);
  if (left.contexts.empty())
    return;
  if (setup_.reclaimer)
    self_->send(setup_.reclaimer, reclaim_later{std::move(left)});
  else
    self_->send_exit(left.contexts.front(), caf::exit_reason::user_shutdown);
}

void master_state::leave(core::run_id run, reclaim_runs& to) {
  if (!logic_->forget(run))
    return;
  std::erase(ended_, run);
  std::erase(order_, run);
  if (setup_.reclaimer)
    keep(core::run_forgotten{run});
  if (auto live = contexts_.extract(run)) {
    to.runs.push_back(run);
    to.contexts.push_back(std::move(live.mapped().context));
  }
}

caf::result<forgotten_runs> master_state::forget(const forget_runs& msg) {
  if (auto sound = check_ended(msg.runs); !sound)
    return to_caf(sound.error());
  std::vector<core::run_id> gone = msg.runs;
  if (msg.all)
    gone.assign(ended_.begin(), ended_.end());
  reclaim_runs left{.runs = {}, .contexts = {}, .everything = msg.all, .source = self_};
  for (const core::run_id run : gone)
    leave(run, left);
  auto reply = self_->make_response_promise<forgotten_runs>();
  // Should the fact be lost in a crash, the run must still have its files.
  once_durable([this, left = std::move(left), reply](const caf::error& failed) mutable {
    if (failed) {
      reply.deliver(failed);
      return;
    }
    forgotten_runs out{.runs = left.runs, .freed = {}};
    if (!setup_.reclaimer) {
      for (const dag_context_actor& context : left.contexts)
        self_->send_exit(context, caf::exit_reason::user_shutdown);
      reply.deliver(std::move(out));
      return;
    }
    self_->request(setup_.reclaimer, setup_.reclaim_timeout, std::move(left))
        .then(
            [reply, out](const reclaimed& freed) mutable {
              out.freed = freed;
              reply.deliver(std::move(out));
            },
            [reply](const caf::error& why) mutable { reply.deliver(why); });
  });
  return reply;
}

core::result<void> master_state::check_ended(const std::vector<core::run_id>& runs) const {
  for (const core::run_id run : runs) {
    const auto known = logic_->runs().find(run);
    if (known == logic_->runs().end())
      return core::fail(core::errc::not_found,
                        fmt::format("there is no run {}", core::to_string(run)), "forget");
    if (!core::is_terminal(known->second.state))
      return core::fail(core::errc::invalid_argument,
                        fmt::format("run {} has not ended: cancel it first, or wait for its end",
                                    core::to_string(run)),
                        "forget");
  }
  return {};
}

needy master_state::all_needy() const {
  needy out;
  for (const auto& [run, live] : contexts_)
    out.contexts.push_back(live.context);
  for (const member_agent& member : agents_)
    out.nodes.push_back(member.agent);
  return out;
}

run_listing master_state::list(const list_runs& msg) const {
  run_listing out{.total = 0, .known = order_.size(), .runs = {}};
  const auto count = std::min(msg.count, run_page_max);
  for (auto run = order_.rbegin(); run != order_.rend(); ++run) {
    if (msg.live && core::is_terminal(logic_->runs().at(*run).state))
      continue;
    if (out.total++ >= msg.first && out.runs.size() < count)
      out.runs.push_back(describe(*run));
  }
  return out;
}

known_run master_state::describe(core::run_id run) const {
  const core::run_record& record = logic_->runs().at(run);
  const live_run& live = contexts_.at(run);
  return {.run = run,
          .name = record.name,
          .state = record.state,
          .accepted = live.accepted,
          .collect = live.collect,
          .context = live.context};
}

caf::result<known_run> master_state::select(const select_run& msg) const {
  const auto run = logic_->select_run(msg.text);
  if (!run)
    return to_caf(run.error());
  return describe(*run);
}

caf::result<node_listing> master_state::select(const select_nodes& msg) const {
  std::optional<core::node_id> wanted;
  if (!msg.text.empty()) {
    const auto found = logic_->select_node(msg.text);
    if (!found)
      return to_caf(found.error());
    wanted = *found;
  }
  node_listing out;
  for (const member_agent& member : agents_)
    if (!wanted || member.node == *wanted) {
      const core::member& known = logic_->members().at(member.node);
      out.nodes.push_back({member.node, known.name, known.total, member.agent, known.offers});
    }
  return out;
}

void master_state::keep(core::journal_event fact) {
  if (setup_.journal)
    self_->send(setup_.journal, append_facts{{std::move(fact)}, ++last_ticket_});
}

void master_state::once_durable(std::function<void(const caf::error&)> deed) {
  gated_.emplace_back(last_ticket_, std::move(deed));
  release_gated();
}

void master_state::release_gated() {
  while (!gated_.empty() && gated_.front().first <= durable_ticket_) {
    const auto deed = std::move(gated_.front().second);
    gated_.pop_front();
    deed({});
  }
}

void master_state::node_lost(const caf::actor_addr& agent) {
  const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const member_agent& m) {
    return m.agent.address() == agent;
  });
  if (found == agents_.end())
    return;
  const core::session_id session = logic_->members().at(found->node).session;
  lose({session, {.code = core::errc::node_lost, .message = "the node's agent ended"}});
}

void master_state::lose(const node_silent& msg) {
  if (const auto gone = logic_->lose(msg.session, msg.reason))
    drop(*gone);
}

master_actor::behavior_type master(master_actor::stateful_pointer<master_state> self,
                                   master_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
