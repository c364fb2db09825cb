#include "sim/cluster_world.hpp"

#include <algorithm>

namespace maze::sim {
using namespace core;
using namespace std::chrono_literals;

void cluster_world::on_master(const happening& what) {
  on(master_, [this, what] {
    what();
    // The twins talk to each other by messages that keep their order.
    while (!todo_.empty()) {
      const auto next = std::move(todo_.front());
      todo_.pop_front();
      next();
    }
    for (auto& [session, each] : seats_)
      if (each.end->is_connected() && !each.end->is_over() && each.end->outbox().queued_items() > 0)
        perform(session, each.end->flush(net_.now()));
  });
}

void cluster_world::application(std::size_t process, const node_application& asks,
                                std::uint64_t connection) {
  const auto number = processes_[process]->number;
  const auto in = cluster_.join(asks, net_.now());
  if (!in) {
    rule(in.error().code == errc::stale, "a sound application is refused only for its incarnation");
    carry(number, false, [this, process, connection] {
      auto& to = *processes_[process];
      on(to.self, [this, process, connection] {
        auto& x = *processes_[process];
        if (!x.dead && x.asked_connection == connection && x.connection == 0)
          begin_anew(process);
      });
    });
    return;
  }
  if (in->replaced) {
    ++happened_.replaced;
    depart(*in->replaced);
  }
  if (in->resumed) {
    ++happened_.resumed;
  } else {
    seat fresh;
    fresh.node = in->fact.node;
    fresh.process = process;
    fresh.end = std::make_unique<link>(in->session, master_settings_, net_.now());
    rule(admitted_.emplace(asks.name, asks.incarnation).second, "an incarnation has one session");
    rule(seats_.emplace(in->session, std::move(fresh)).second, "a session is never given twice");
    rule(session_of_.emplace(in->fact.node, in->session).second, "a node has one session");
    todo_.push_back([this, fact = in->fact] {
      if (session_of_.count(fact.node) != 0)
        perform(scheduler_.node_joined(fact.node, fact.total));
    });
  }
  auto& at = seats_.at(in->session);
  rule(at.process == process, "a session belongs to one process");
  at.connection = connection;
  at.heard = net_.now();
  perform(in->session, at.end->connected(net_.now()));
  carry(number, false, [this, process, session = in->session, connection] {
    auto& to = *processes_[process];
    on(to.self, [this, process, session, connection] { admitted(process, session, connection); });
  });
}

void cluster_world::depart(const departure& gone) {
  const auto node = gone.fact.node;
  rule(session_of_.erase(node) == 1, "who departs was a member");
  std::erase_if(home_, [&](const auto& entry) { return entry.second == gone.session; });
  todo_.push_back([this, node] {
    perform(scheduler_.node_lost(node));
    for (std::size_t i = 0; i < runs_.size(); ++i)
      todo_.push_back([this, i, node] { perform(i, runs_[i].twin.node_lost(node, net_.now())); });
  });
  perform(gone.session, seats_.at(gone.session).end->expel(gone.fact.reason, net_.now()));
}

void cluster_world::perform(session_id session, link_step step) {
  auto& at = seats_.at(session);
  for (const auto& frame : step.frames)
    transmit(processes_[at.process]->number, false, frame, at.process);
  const auto& sent = processes_[at.process]->sent;
  for (const auto& batch : step.delivered)
    for_each_item(batch, [&](std::string_view item) {
      rule(cluster_.find(session).has_value(), "only members are listened to");
      // A process that began anew has forgotten what it said before.
      if (processes_[at.process]->end && processes_[at.process]->end->session() == session)
        rule(at.delivered < sent.size() && sent[at.delivered] == item,
             "what a node says arrives once and in order");
      ++at.delivered;
      const auto message = decode_to_master(item);
      rule(message.has_value(), "what a node says can be read");
      todo_.push_back([this, session, said = *message] { hear(session, said); });
    });
  for (const auto& batch : step.late)
    for_each_item(batch, [&](std::string_view item) {
      rule(!cluster_.find(session), "only what comes after the end is late");
      hear_late(decode_to_master(item).value());
    });
  for (const auto& event : step.events)
    if (const auto* over = std::get_if<session_over>(&event))
      ended(session, *over);
  if (step.wake_at) {
    const auto alarm = ++at.alarm;
    net_.at(*step.wake_at, [this, session, alarm] {
      on_master([this, session, alarm] {
        auto& x = seats_.at(session);
        if (x.alarm == alarm)
          perform(session, x.end->time_passed(net_.now()));
      });
    });
  }
}

void cluster_world::ended(session_id session, const session_over& end) {
  const auto& at = seats_.at(session);
  const auto& where = places_[processes_[at.process]->number];
  const auto& who = *processes_[at.process];
  rule(end.how != session_end::broken, "nobody breaks the protocol: " + end.reason.message);
  if (end.how == session_end::silent) {
    rule(net_.now() >= at.heard + master_settings_.lease, "a lease is not cut short");
    const bool troubled = who.dead || who.left || who.self.frozen || where.cut || who.end == nullptr
                          || who.end->session() != session;
    const auto since = std::max(where.troubled, who.self.moved);
    rule(troubled || net_.now() < since + master_settings_.lease + 3s,
         "a node that is connected and awake is never expelled");
  }
  if (end.how == session_end::closed)
    rule(at.connection == 0 && net_.now() >= at.closed + master_settings_.reconnect,
         "a closed link has its time to come back");
  if (const auto gone = cluster_.lose(session, end.reason)) {
    ++happened_.expelled;
    depart(*gone);
  }
}

void cluster_world::hear(session_id session, const to_master& message) {
  if (const auto* x = std::get_if<order_entered>(&message)) {
    const auto at = x->run.value;
    runs_[at].stale += runs_[at].twin.find(x->attempt) ? 0 : 1;
    perform(at, runs_[at].twin.attempt_running(x->attempt, x->at, net_.now()));
  } else if (const auto* done = std::get_if<order_published>(&message)) {
    publish(*done);
  } else if (const auto* lost = std::get_if<order_lost>(&message)) {
    fail(lost->run.value, lost->attempt, lost->reason);
  } else if (std::holds_alternative<node_leaving>(message)) {
    if (const auto node = cluster_.find(session))
      if (const auto gone = cluster_.leave(*node)) {
        ++happened_.left;
        depart(*gone);
      }
  }
  // The rest is about the scheduler's book, which has forgotten a node that departed meanwhile.
  const auto node = cluster_.find(session);
  if (!node)
    return;
  if (const auto* free = std::get_if<free_reported>(&message)) {
    perform(scheduler_.node_reported(*node, free->free));
  } else if (const auto* ends = std::get_if<orders_ended>(&message)) {
    for (const auto attempt : ends->attempts)
      if (const auto found = home_.find(attempt); found != home_.end() && found->second == session)
        home_.erase(found);
    perform(scheduler_.attempts_ended(ends->attempts));
  } else if (const auto* refused = std::get_if<orders_refused>(&message)) {
    for (const auto attempt : refused->attempts) {
      const auto found = home_.find(attempt);
      if (found == home_.end() || found->second != session)
        continue;
      home_.erase(found);
      if (taken_back_.count(attempt) != 0) {
        perform(scheduler_.attempt_ended(attempt));
        continue;
      }
      queued_.insert(attempt);
      perform(scheduler_.refused(attempt, refused->free));
    }
  }
}

void cluster_world::hear_late(const to_master& message) {
  const auto* late = std::get_if<order_published>(&message);
  if (late == nullptr)
    return;
  ++happened_.late_publications;
  auto& owner = runs_[late->run.value];
  // What departed with its node was already taken back; whoever asks must be refused.
  todo_.push_back([this, &owner, sent = *late] {
    const auto step = owner.twin.publish(sent.attempt, sent.output, sent.files, net_.now());
    rule(!step && step.error().code == errc::stale, "a late publication is refused");
    ++owner.stale;
  });
}

void cluster_world::tell(session_id session, const to_node& message) {
  auto& at = seats_.at(session);
  at.sent.push_back(encode_to_node(message));
  rule(at.end->send(at.sent.back()).has_value(), "a member can be told");
}

void cluster_world::perform(std::size_t at, const run_step& step) {
  auto& here = runs_[at];
  here.oracle.observe(step, here.twin, tokens_);
  for (const auto& deed : step.todo) {
    if (const auto* ready = std::get_if<offer_task>(&deed))
      offer(at, *ready);
    else if (const auto* halt = std::get_if<stop_attempt>(&deed))
      todo_.push_back([this, attempt = halt->attempt] { stop(attempt); });
    else if (const auto* wake = std::get_if<wake_at>(&deed))
      net_.at(wake->at, [this, at] {
        on_master([this, at] { perform(at, runs_[at].twin.time_passed(net_.now())); });
      });
    else if (std::holds_alternative<announce_run>(deed))
      for (auto& [session, each] : seats_)
        if (each.opened.erase(run_id{at}) != 0 && !each.end->is_over())
          tell(session, close_run{run_id{at}});
  }
}

void cluster_world::offer(std::size_t at, const offer_task& deed) {
  const auto& spec = runs_[at].tasks->spec(deed.task);
  const auto view = runs_[at].twin.view_of(deed.task);
  rule(view.has_value(), "what is offered has a view");
  orders_[deed.attempt] = {.run = run_id{at},
                           .task = deed.task,
                           .attempt = deed.attempt,
                           .number = runs_[at].twin.attempts(deed.task),
                           .needs = spec.needs,
                           .files = view->published,
                           .outputs = view->outputs};
  const ready_task ready{.run = run_id{at},
                         .task = deed.task,
                         .attempt = deed.attempt,
                         .needs = spec.needs,
                         .priority = spec.priority,
                         .local_bytes = {}};
  todo_.push_back([this, ready] {
    queued_.insert(ready.attempt);
    perform(scheduler_.submit(ready));
  });
}

void cluster_world::perform(const scheduling_actions& actions) {
  for (const auto& action : actions) {
    if (const auto* to = std::get_if<assign>(&action)) {
      place_attempt(*to);
      continue;
    }
    const auto& no = std::get<reject>(action);
    queued_.erase(no.attempt);
    for (const auto& [node, each] : cluster_.members())
      rule(each.draining || !each.total.fits(orders_.at(no.attempt).needs),
           "what is rejected fits nowhere");
    todo_.push_back([this, no] { fail(no.run.value, no.attempt, no.reason); });
  }
}

void cluster_world::place_attempt(const assign& action) {
  rule(queued_.erase(action.attempt) == 1, "a task is placed once");
  const auto found = session_of_.find(action.node);
  const auto& order = orders_.at(action.attempt);
  todo_.push_back([this, action] {
    const auto at = action.run.value;
    runs_[at].stale += runs_[at].twin.find(action.attempt) ? 0 : 1;
    perform(at, runs_[at].twin.attempt_assigned(action.attempt, action.node, net_.now()));
  });
  // The node departed; the scheduler and the run hear of it next.
  if (found == session_of_.end())
    return;
  const auto& to = cluster_.members().at(action.node);
  rule(!to.draining, "work goes to nodes that are not drained");
  rule(to.total.fits(order.needs), "a task goes where it fits");
  home_[action.attempt] = found->second;
  if (seats_.at(found->second).opened.insert(order.run).second)
    tell(found->second, open_run{order.run, order.run.value, 100});
  tell(found->second, run_orders{{order}});
}

void cluster_world::stop(attempt_id attempt) {
  const auto found = home_.find(attempt);
  if (found == home_.end()) {
    queued_.erase(attempt);
    perform(scheduler_.attempt_ended(attempt));
    return;
  }
  taken_back_.insert(attempt);
  tell(found->second, stop_orders{{attempt}});
}

void cluster_world::publish(const order_published& message) {
  auto& here = runs_[message.run.value];
  const bool current = here.twin.find(message.attempt).has_value();
  const auto step = here.twin.publish(message.attempt, message.output, message.files, net_.now());
  rule(current == step.has_value(), "the current attempt may publish, and no other");
  if (!step) {
    ++here.stale;
    return;
  }
  ++happened_.published;
  perform(message.run.value, *step);
}

void cluster_world::fail(std::size_t at, attempt_id attempt, const error& reason) {
  const auto step = runs_[at].twin.attempt_ended(attempt, reason, net_.now());
  if (step)
    perform(at, *step);
  else
    ++runs_[at].stale;
}

void cluster_world::drain(std::size_t number) {
  const auto found =
      std::find_if(cluster_.members().begin(), cluster_.members().end(), [&](const auto& each) {
        return each.second.name == "n" + std::to_string(number);
      });
  if (found == cluster_.members().end())
    return;
  const auto node = found->first;
  places_[number].drained = true;
  rule(cluster_.drain(node).has_value(), "a member can be drained");
  todo_.push_back([this, node] { perform(scheduler_.node_drained(node)); });
  tell(found->second.session, drain_node{});
}

} // namespace maze::sim
