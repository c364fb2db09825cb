#include "maze/actors/session_gate.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/permission_list.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"
#include "maze/core/submission_form.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

namespace maze::actors {

namespace {

/// Of what a client calls itself, in bytes.
constexpr std::size_t client_name_max = 100;

} // namespace

session_actor::behavior_type session_gate_state::make_behavior(session_gate_setup setup) {
  setup_ = std::move(setup);
  submissions_.emplace(setup_.submissions);
  return {
      [this](const open_session& msg) { return open(msg); },
      [this](const submit_part& msg) { return submit(msg); },
      [this](ask_cluster) { return status(); },
      [this](const ask_runs& msg) { return list(msg); },
      [this](const ask_run& msg) { return find(msg); },
      [this](const of_run<list_tasks>& msg) {
        return ask_run_itself<task_page>(msg.run, msg.what);
      },
      [this](const of_run<await_news>& msg) { return ask_run_itself<run_news>(msg.run, msg.what); },
      [this](const of_run<ask_report_part>& msg) { return report(msg); },
      [this](const of_run<ask_output>& msg) -> caf::result<task_output> {
        auto reply = self_->make_response_promise<task_output>();
        const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
        with_run(
            msg.run,
            [this, reply, fail, task = msg.what.task](const known_run& run) {
              self_->request(run.context, setup_.patience, find_attempt{task, 0})
                  .then(
                      [reply](attempt_place& place) mutable {
                        reply.deliver(task_output{std::move(place.output)});
                      },
                      fail);
            },
            fail);
        return reply;
      },
      [this](const of_run<ask_log>& msg) { return read_log_of(msg); },
      [this](const of_run<cancel_run>& msg) { return cancel(msg); },
      [this](const of_run<cancel_task>& msg) { return ask_run_itself<bool>(msg.run, msg.what); },
      [this](const enter_calls& msg) { return enter(msg); },
      [this](ask_nodes) { return nodes(); },
      [this](const drain_member& msg) { return drain(msg); },
      [this](const forget_runs& msg) {
        auto reply = self_->make_response_promise<forgotten_runs>();
        self_->request(setup_.master, setup_.document_patience, msg)
            .then([reply](forgotten_runs& done) mutable { reply.deliver(std::move(done)); },
                  [reply](const caf::error& why) mutable { reply.deliver(why); });
        return caf::result<forgotten_runs>(reply);
      },
      [this](shut_down) {
        setup_.log->event(io::log_level::info, "a client asks for the end of this node");
        setup_.on_shut_down();
        return true;
      },
  };
}

caf::result<session_opened> session_gate_state::open(const open_session& msg) {
  if (msg.protocol != session_protocol)
    return to_caf({.code = core::errc::unsupported_operation,
                   .message = fmt::format("this cluster speaks protocol {} and maze {}, the client "
                                          "protocol {}: use the same version of maze-node",
                                          session_protocol, setup_.version, msg.protocol),
                   .origin = "session"});
  const auto held = find_as(io::node_role::client, *setup_.admissions, msg.ticket);
  if (!held)
    return to_caf(not_admitted(io::node_role::client));
  const core::permission_set permitted = core::both(setup_.permitted, held->whose().permitted);
  setup_.log->event(io::log_level::info, "a client opened a session",
                    {{"client", core::printable(msg.client.substr(0, client_name_max))},
                     {"as", io::to_string(held->whose().who)},
                     {"permitted", core::to_list(permitted)}});
  return session_opened{setup_.name, setup_.version, setup_.started,
                        io::to_string(held->whose().who), permitted};
}

caf::result<submit_progress> session_gate_state::submit(const submit_part& msg) {
  if (msg.client_id.empty() || msg.client_id.size() > core::client_id_max)
    return to_caf(
        {.code = core::errc::invalid_argument,
         .message = fmt::format("a submit id must have 1 to {} bytes", core::client_id_max),
         .origin = "submit"});
  if (msg.bytes.size() > document_part_max)
    return to_caf({.code = core::errc::limit_exceeded,
                   .message = fmt::format("a part may have {} bytes", document_part_max),
                   .origin = "submit"});
  const auto held = find_as(io::node_role::client, *setup_.admissions, msg.ticket);
  if (!held)
    return to_caf(not_admitted(io::node_role::client));
  // Nobody adds a part to what another connection hands in.
  const std::string document = core::to_string(msg.ticket.bits) + msg.client_id;
  auto taken = submissions_->take({document, msg.size, msg.offset, msg.bytes},
                                  self_->clock().now().time_since_epoch());
  if (!taken)
    return to_caf(taken.error());
  if (!taken->document)
    return submit_progress{.received = taken->received, .run = {}};
  auto reply = self_->make_response_promise<submit_progress>();
  read(std::move(*taken->document), held->submitter(), reply);
  return reply;
}

void session_gate_state::read(std::string document, core::submitter by,
                              caf::typed_response_promise<submit_progress> reply) {
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  const auto size = document.size();
  self_
      ->request(
          setup_.documents, setup_.document_patience,
          read_submission{std::make_shared<const std::string>(std::move(document)), std::move(by)})
      .then(
          [this, reply, fail, size](const submit_run& work) {
            self_->request(setup_.master, setup_.patience, work)
                .then(
                    [reply, size](const run_handle& accepted) mutable {
                      reply.deliver(submit_progress{size, accepted.run});
                    },
                    fail);
          },
          fail);
}

caf::result<call_service> session_gate_state::enter(const enter_calls& msg) {
  const auto held = find_as(io::node_role::client, *setup_.admissions, msg.ticket);
  if (!held)
    return to_caf(not_admitted(io::node_role::client));
  auto reply = self_->make_response_promise<call_service>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  with_run(
      msg.run,
      [this, reply, fail, held](const known_run& found) {
        self_->request(found.context, setup_.patience, ask_calls{})
            .then(
                [reply, held](call_service& service) mutable {
                  if (auto fine = core::check_permitted(service.needed, held->submitter()); !fine) {
                    core::error why = std::move(fine.error());
                    why.message = "whoever hands in calls of this run " + why.message;
                    why.origin = "calls";
                    reply.deliver(to_caf(why));
                    return;
                  }
                  held->open(caf::actor_cast<caf::strong_actor_ptr>(service.hub));
                  reply.deliver(std::move(service));
                },
                fail);
      },
      fail);
  return reply;
}

caf::result<run_row> session_gate_state::find(const ask_run& msg) {
  auto reply = self_->make_response_promise<run_row>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  self_->request(setup_.master, setup_.patience, select_run{msg.text})
      .then(
          [this, reply](const known_run& run) {
            describe({run}, [reply](std::vector<run_row> rows) mutable {
              reply.deliver(std::move(rows.front()));
            });
          },
          fail);
  return reply;
}

caf::result<run_page> session_gate_state::list(const ask_runs& msg) {
  auto reply = self_->make_response_promise<run_page>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  self_->request(setup_.master, setup_.patience, list_runs{.first = msg.first, .count = msg.count})
      .then(
          [this, reply](run_listing& found) {
            describe(std::move(found.runs),
                     [reply, total = found.total](std::vector<run_row> rows) mutable {
                       reply.deliver(run_page{total, std::move(rows)});
                     });
          },
          fail);
  return reply;
}

caf::result<cluster_status> session_gate_state::status() {
  auto reply = self_->make_response_promise<cluster_status>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  const auto with_nodes = [this, reply, fail](cluster_status out) {
    self_->request(setup_.master, setup_.patience, select_nodes{})
        .then(
            [reply, out](const node_listing& found) mutable {
              out.nodes = found.nodes.size();
              for (const known_node& node : found.nodes)
                out.total.give_back(node.total);
              reply.deliver(out);
            },
            fail);
  };
  self_->request(setup_.master, setup_.patience, list_runs{.live = true})
      .then(
          [this, with_nodes](run_listing& found) {
            cluster_status out{.name = setup_.name,
                               .version = setup_.version,
                               .started = setup_.started,
                               .runs_live = found.total,
                               .runs = found.known};
            describe(std::move(found.runs), [with_nodes, out](const std::vector<run_row>& rows) {
              cluster_status sum = out;
              for (const run_row& row : rows)
                for (std::size_t i = 0; i < sum.counts.size(); ++i)
                  sum.counts[i] += row.counts[i];
              with_nodes(sum);
            });
          },
          fail);
  return reply;
}

void session_gate_state::describe(std::vector<known_run> runs,
                                  std::function<void(std::vector<run_row>)> done) {
  struct gathering {
    std::vector<run_row> rows;
    std::size_t open = 0;
    std::function<void(std::vector<run_row>)> done;
  };
  auto all = std::make_shared<gathering>();
  all->done = std::move(done);
  all->open = runs.size();
  for (known_run& run : runs)
    all->rows.push_back({.run = run.run,
                         .name = std::move(run.name),
                         .state = run.state,
                         .accepted = run.accepted,
                         .collect = std::move(run.collect)});
  if (runs.empty())
    return all->done({});
  const auto answered = [all] {
    if (--all->open == 0)
      all->done(std::move(all->rows));
  };
  for (std::size_t i = 0; i < runs.size(); ++i)
    self_->request(runs[i].context, setup_.patience, ask_status{.running_max = 0})
        .then(
            [all, i, answered](const run_status& now) {
              all->rows[i].state = now.state;
              all->rows[i].counts = now.counts;
              answered();
            },
            [answered](const caf::error&) { answered(); });
}

void session_gate_state::with_run(core::run_id run, std::function<void(const known_run&)> use,
                                  failure fail) {
  self_->request(setup_.master, setup_.patience, select_run{core::to_string(run)})
      .then([use = std::move(use)](const known_run& found) { use(found); }, std::move(fail));
}

template <class Reply, class Question>
caf::result<Reply> session_gate_state::ask_run_itself(core::run_id run, Question question) {
  auto reply = self_->make_response_promise<Reply>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  with_run(
      run,
      [this, reply, fail, question](const known_run& found) {
        self_->request(found.context, setup_.patience, question)
            .then([reply](Reply& answer) mutable { reply.deliver(std::move(answer)); }, fail);
      },
      fail);
  return reply;
}

caf::result<bool> session_gate_state::cancel(const of_run<cancel_run>& msg) {
  auto reply = self_->make_response_promise<bool>();
  with_run(
      msg.run,
      [this, reply, what = msg.what](const known_run& run) mutable {
        const bool some = !core::is_terminal(run.state);
        if (some)
          self_->send(run.context, what);
        reply.deliver(some);
      },
      [reply](const caf::error& why) mutable { reply.deliver(why); });
  return reply;
}

caf::result<node_page> session_gate_state::nodes() {
  struct gathering {
    node_page page;
    std::size_t open = 0;
  };
  auto reply = self_->make_response_promise<node_page>();
  self_->request(setup_.master, setup_.patience, select_nodes{})
      .then(
          [this, reply](const node_listing& found) mutable {
            auto all = std::make_shared<gathering>();
            all->open = found.nodes.size();
            for (const known_node& node : found.nodes)
              all->page.rows.push_back({.node = node.node,
                                        .name = node.name,
                                        .total = node.total,
                                        .offers = node.offers});
            if (found.nodes.empty()) {
              reply.deliver(std::move(all->page));
              return;
            }
            const std::function<void()> answered = [all, reply]() mutable {
              if (--all->open == 0)
                reply.deliver(std::move(all->page));
            };
            for (std::size_t i = 0; i < found.nodes.size(); ++i)
              self_->request(found.nodes[i].agent, setup_.node_patience, ask_load{})
                  .then(
                      [all, i, answered](node_load& load) {
                        all->page.rows[i].answers = true;
                        all->page.rows[i].load = std::move(load);
                        answered();
                      },
                      [answered](const caf::error&) { answered(); });
          },
          [reply](const caf::error& why) mutable { reply.deliver(why); });
  return reply;
}

caf::result<bool> session_gate_state::drain(const drain_member& msg) {
  if (msg.node.empty())
    return to_caf({.code = core::errc::invalid_argument, .message = "no node is named"});
  auto reply = self_->make_response_promise<bool>();
  const failure fail = [reply](const caf::error& why) mutable { reply.deliver(why); };
  self_->request(setup_.master, setup_.patience, select_nodes{msg.node})
      .then(
          [this, reply](const node_listing& found) mutable {
            for (const known_node& node : found.nodes) {
              // Before the node gives back what waits there.
              self_->send(setup_.scheduler, close_node{node.node});
              // Its answer comes when the last attempt there has ended: nobody waits for that.
              caf::anon_send(node.agent, drain_node{.stop_running = false});
            }
            reply.deliver(!found.nodes.empty());
          },
          fail);
  return reply;
}

session_actor::behavior_type session_gate(session_actor::stateful_pointer<session_gate_state> self,
                                          session_gate_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
