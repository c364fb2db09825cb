#include "sim/cluster_world.hpp"
#include "sim/draws.hpp"

#include <algorithm>

namespace maze::sim {
using namespace core;
using namespace std::chrono_literals;

void cluster_world::start(std::size_t number) {
  auto& where = places_[number];
  where.process = processes_.size();
  where.troubled = net_.now();
  const std::uint32_t room = fate_.percent(50) ? 64 : fate_.below(3);
  host fresh{.number = number,
             .slots = node_slots({.total = where.total, .waiting_max = room, .slots_max = 16})};
  fresh.incarnation = ++where.incarnation;
  processes_.push_back(std::make_unique<host>(std::move(fresh)));
  knock(where.process);
  report(where.process);
}

void cluster_world::knock(std::size_t at) {
  auto& here = *processes_[at];
  if (here.dead || here.left)
    return;
  net_.after(std::chrono::milliseconds(200 + fate_.below(200)),
             [this, at] { on(processes_[at]->self, [this, at] { knock(at); }); });
  if (here.connection != 0)
    return;
  places_[here.number].troubled = net_.now();
  here.asked_connection = ++connections_;
  const node_application asks{.name = "n" + std::to_string(here.number),
                              .total = places_[here.number].total,
                              .labels = {},
                              .incarnation = here.incarnation};
  carry(here.number, true, [this, at, asks, connection = here.asked_connection] {
    on_master([this, at, asks, connection] {
      // The connection ended with the process.
      if (!processes_[at]->dead)
        application(at, asks, connection);
    });
  });
}

void cluster_world::admitted(std::size_t at, session_id session, std::uint64_t connection) {
  auto& here = *processes_[at];
  if (here.dead || here.left || here.asked_connection != connection || here.connection != 0)
    return;
  if (here.end && here.end->session() != session)
    return;
  if (!here.end)
    here.end = std::make_unique<link>(session, node_settings_, net_.now());
  here.connection = connection;
  places_[here.number].troubled = net_.now();
  perform_at(at, here.end->connected(net_.now()));
}

void cluster_world::begin_anew(std::size_t at) {
  auto& here = *processes_[at];
  for (const auto& [attempt, order] : std::exchange(here.held, {}))
    static_cast<void>(here.slots.ended(attempt));
  here.executing.clear();
  here.lined_up.clear();
  here.gpus = {};
  here.ticking = false;
  here.opened.clear();
  here.sent.clear();
  here.delivered = 0;
  here.end.reset();
  here.connection = 0;
  // An answer to the last incarnation must not admit this one.
  here.asked_connection = 0;
  ++here.alarm;
  ++here.life;
  places_[here.number].troubled = net_.now();
  if (here.draining) {
    here.left = true;
    return;
  }
  here.incarnation = ++places_[here.number].incarnation;
}

void cluster_world::perform_at(std::size_t at, link_step step) {
  auto& here = *processes_[at];
  const auto session = here.end->session();
  for (const auto& frame : step.frames)
    transmit(here.number, true, frame, at);
  if (step.wake_at) {
    const auto alarm = ++here.alarm;
    net_.at(*step.wake_at, [this, at, alarm] {
      on(processes_[at]->self, [this, at, alarm] {
        auto& x = *processes_[at];
        if (!x.dead && x.alarm == alarm && x.end)
          perform_at(at, x.end->time_passed(net_.now()));
      });
    });
  }
  for (const auto& batch : step.delivered)
    for_each_item(batch, [&](std::string_view item) {
      const auto& sent = seats_.at(session).sent;
      rule(here.delivered < sent.size() && sent[here.delivered] == item,
           "what the master says arrives once and in order");
      ++here.delivered;
      const auto message = decode_to_node(item);
      rule(message.has_value(), "what the master says can be read");
      obey(at, *message);
    });
  for (const auto& event : step.events)
    if (const auto* over = std::get_if<session_over>(&event)) {
      rule(over->how != session_end::broken, "nobody breaks the protocol: " + over->reason.message);
      begin_anew(at);
      return;
    }
  flush(at);
}

void cluster_world::flush(std::size_t at) {
  auto& here = *processes_[at];
  if (here.end && !here.end->is_over() && here.end->outbox().queued_items() > 0
      && here.end->is_connected()) {
    const auto waiting = here.end->outbox().queued_items();
    auto step = here.end->flush(net_.now());
    if (!step.frames.empty() || here.end->outbox().queued_items() != waiting)
      perform_at(at, std::move(step));
  }
}

void cluster_world::obey(std::size_t at, const to_node& message) {
  auto& here = *processes_[at];
  if (const auto* open = std::get_if<open_run>(&message)) {
    rule(here.opened.insert(open->run).second, "a run is opened once a session");
  } else if (const auto* orders = std::get_if<run_orders>(&message)) {
    for (const auto& order : orders->orders) {
      rule(here.opened.count(order.run) != 0, "a run is opened before its orders");
      here.held[order.attempt] = order;
      perform_at(at, here.slots.offered(order.attempt, order.needs));
    }
  } else if (const auto* halt = std::get_if<stop_orders>(&message)) {
    for (const auto attempt : halt->attempts)
      leave(at, attempt);
  } else if (const auto* close = std::get_if<close_run>(&message)) {
    here.opened.erase(close->run);
    std::vector<attempt_id> of_run;
    for (const auto& [attempt, order] : here.held)
      if (order.run == close->run)
        of_run.push_back(attempt);
    for (const auto attempt : of_run)
      leave(at, attempt);
  } else if (std::holds_alternative<drain_node>(message)) {
    here.draining = true;
    here.slots.drain();
    retire(at);
  }
}

void cluster_world::perform_at(std::size_t at, const slot_actions& actions) {
  auto& here = *processes_[at];
  for (const auto& action : actions) {
    if (const auto* no = std::get_if<refuse_attempt>(&action)) {
      here.held.erase(no->attempt);
      say(at, orders_refused{{no->attempt}, here.slots.free(), here.draining});
      continue;
    }
    if (const auto* next = std::get_if<line_up_attempt>(&action)) {
      here.gpus.granted(next->attempt, next->gpus);
      rule(here.lined_up.emplace(next->slot, next->attempt).second,
           "one attempt is lined up in a slot");
    } else if (const auto* back = std::get_if<recall_attempt>(&action)) {
      later(at, std::chrono::milliseconds(fate_.below(20)),
            [this, at, back = *back] { give_back(at, back.slot, back.attempt); });
    } else if (const auto* start = std::get_if<start_attempt>(&action)) {
      here.gpus.granted(start->attempt, start->gpus);
      execute(at, start->attempt, start->slot);
    }
  }
  if (here.slots.lined_up() > 0 && !std::exchange(here.ticking, true))
    later(at, std::chrono::milliseconds(20), [this, at] {
      processes_[at]->ticking = false;
      perform_at(at, processes_[at]->slots.time_passed());
      flush(at);
    });
}

void cluster_world::later(std::size_t at, duration wait, std::function<void()> what) {
  net_.after(wait, [this, at, what = std::move(what), life = processes_[at]->life] {
    on(processes_[at]->self, [this, at, what, life] {
      if (!processes_[at]->dead && processes_[at]->life == life)
        what();
    });
  });
}

void cluster_world::give_back(std::size_t at, slot_id slot, attempt_id attempt) {
  auto& here = *processes_[at];
  const auto found = here.lined_up.find(slot);
  if (found == here.lined_up.end() || found->second != attempt)
    return;
  here.lined_up.erase(found);
  perform_at(at, here.slots.returned(attempt));
  flush(at);
}

void cluster_world::execute(std::size_t at, attempt_id attempt, slot_id slot) {
  auto& here = *processes_[at];
  const auto& order = here.held.at(attempt);
  here.executing.emplace(attempt, slot);
  resources used;
  for (const auto& [each, where] : here.executing)
    used.give_back(here.held.at(each).needs);
  rule(places_[here.number].total.fits(used), "what runs on a node fits it");
  here.gpus.begins(attempt, order.needs, places_[here.number].total);
  auto& owner = runs_[order.run.value];
  if (owner.twin.find(attempt)) {
    const attempt_view view{order.files, order.outputs};
    owner.oracle.check_start(order.task, view);
  }
  say(at, order_entered{order.run, attempt, phase::execute});
  later(at, std::chrono::milliseconds(1 + fate_.below(3000)),
        [this, at, attempt] { finish(at, attempt); });
}

void cluster_world::say(std::size_t at, const to_master& message) {
  auto& here = *processes_[at];
  if (!here.end || here.end->is_over())
    return;
  here.sent.push_back(encode_to_master(message));
  rule(here.end->send(here.sent.back()).has_value(), "a session that stands takes what is said");
}

void cluster_world::finish(std::size_t at, attempt_id attempt) {
  auto& here = *processes_[at];
  if (here.executing.count(attempt) == 0)
    return;
  const auto order = here.held.at(attempt);
  const bool ended_first = fate_.percent(50);
  if (ended_first)
    leave(at, attempt);
  if (fate_.percent(failing_percent_)) {
    static constexpr errc ways[] = {errc::exit_nonzero, errc::transfer_error, errc::worker_crash,
                                    errc::timeout_wall, errc::oom_killed};
    say(at, order_lost{order.run, attempt, {.code = ways[fate_.below(5)], .message = "drawn"}});
  } else {
    const auto output = std::to_string(attempt.counter) + std::string(fate_.below(300), 'x');
    const auto files = draw_files(fate_, writing_percent_, order.task);
    runs_[order.run.value].oracle.publication_sent(attempt, output, files);
    say(at, order_published{order.run, attempt, output, files, {}});
  }
  if (!ended_first)
    leave(at, attempt);
  flush(at);
}

void cluster_world::leave(std::size_t at, attempt_id attempt) {
  auto& here = *processes_[at];
  if (here.held.erase(attempt) == 0)
    return;
  here.gpus.left(attempt);
  std::erase_if(here.lined_up, [attempt](const auto& x) { return x.second == attempt; });
  if (const auto ran = here.executing.extract(attempt))
    if (const auto follower = here.lined_up.extract(ran.mapped()))
      execute(at, follower.mapped(), ran.mapped());
  const auto next = here.slots.ended(attempt);
  say(at, orders_ended{{attempt}, here.slots.free()});
  perform_at(at, next);
  retire(at);
}

void cluster_world::retire(std::size_t at) {
  auto& here = *processes_[at];
  if (here.draining && here.held.empty())
    say(at, node_leaving{});
}

void cluster_world::report(std::size_t at) {
  auto& here = *processes_[at];
  if (here.dead || here.left || runs_ended())
    return;
  net_.after(1s, [this, at] { on(processes_[at]->self, [this, at] { report(at); }); });
  if (here.end && here.end->is_connected() && !here.draining) {
    say(at, free_reported{here.slots.free()});
    flush(at);
  }
}

} // namespace maze::sim
