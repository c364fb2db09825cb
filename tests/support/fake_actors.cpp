#include "support/fake_actors.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace maze::test {

using namespace actors;

namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

} // namespace

memory_journal spawn_journal(actor_fixture& world) {
  memory_journal out;
  out.actor = world.spawn([book = out.book](journal_actor::pointer self) {
    return journal_actor::behavior_type{
        [=](const append_facts& msg) {
          append(book->facts, msg.facts);
          book->waiting[self->current_sender()] = msg.ticket;
        },
        [](commit_batch) {},
    };
  });
  return out;
}

void acknowledge(actor_fixture& world, const memory_journal& journal) {
  for (const auto& [sender, ticket] : std::exchange(journal->waiting, {}))
    caf::anon_send(caf::actor_cast<listener_actor<facts_durable>>(sender), facts_durable{ticket});
  world.run();
}

core::attempt_id scheduler_book::attempt_of(std::uint64_t task) const {
  for (auto offer = offers.rbegin(); offer != offers.rend(); ++offer)
    if (offer->order.task.value == task)
      return offer->order.attempt;
  FAIL("task " << task << " was not offered");
  return {};
}

recording_scheduler spawn_scheduler(actor_fixture& world) {
  recording_scheduler out;
  out.actor = world.spawn([book = out.book](scheduler_actor::pointer) {
    return scheduler_actor::behavior_type{
        [](const node_reported&) {},
        [=](const close_node& msg) { book->drained.push_back(msg.node); },
        [=](const offer_tasks& msg) { append(book->offers, msg.tasks); },
        [=](const stop_attempts& msg) { append(book->stops, msg.attempts); },
        [=](const join_scheduler& msg) { book->joins.push_back(msg); },
        [=](const node_gone& msg) { book->gone.push_back(msg.node); },
        [=](const attempts_ended& msg) { append(book->ended, msg.attempts); },
        [=](const attempt_refused& msg) { book->refused.push_back(msg); },
        [=](const close_run& msg) { book->closed.push_back(msg.run); },
    };
  });
  return out;
}

recording_node_agent spawn_node_agent(actor_fixture& world) {
  recording_node_agent out;
  out.actor = world.spawn([book = out.book](local_agent_actor::pointer) {
    return local_agent_actor::behavior_type{
        [=](const run_attempts& msg) { append(book->orders, msg.orders); },
        [=](const stop_attempts& msg) { append(book->stops, msg.attempts); },
        [=](const slot_free& msg) { book->free.push_back(msg); },
        [](const attempt_returned&) {},
        [](line_tick) {},
        [](fetch_tick) {},
        [](abandon_attempts) { return true; },
        [=](const close_run& msg) { book->closed.push_back(msg.run); },
        [=](const core::drop_data& msg) { book->dropped.push_back(msg); },
        [=](drain_node msg) {
          book->drains.push_back(msg.stop_running);
          return true;
        },
        [=](ask_load) { return book->load; },
        [=](const read_log& msg) -> caf::result<log_piece> {
          book->logs_asked.push_back(msg);
          if (!book->log)
            return to_caf({.code = core::errc::not_found, .message = "no such log"});
          return *book->log;
        },
    };
  });
  return out;
}

recording_worker spawn_worker(actor_fixture& world) {
  recording_worker out;
  out.actor = world.spawn([book = out.book](worker_actor::pointer) {
    return worker_actor::behavior_type{
        [=](const run_attempt& msg) { book->runs.push_back(msg); },
        [](const child_ended&) {},
        [=](const stop_child& msg) { book->stops.push_back(msg.attempt); },
        [=](const recall_child& msg) { book->recalls.push_back(msg.attempt); },
        [](disk_tick) {},
        [](const read_log& msg) { return log_piece{.bytes = "worker:" + msg.task}; },
    };
  });
  return out;
}

recording_context spawn_context(actor_fixture& world) {
  recording_context out;
  out.actor = world.spawn([book = out.book](dag_context_actor::pointer) {
    return dag_context_actor::behavior_type{
        [](start_run) {},
        [=](const attempts_assigned& msg) {
          book->heard.emplace_back("assigned");
          book->assigned.push_back(msg);
        },
        [=](const attempt_entered& msg) {
          book->heard.emplace_back("entered");
          book->entered.push_back(msg);
        },
        [=](const publish_attempt& msg) {
          book->heard.emplace_back("published");
          book->published.push_back(msg);
        },
        [=](const attempt_lost& msg) {
          book->heard.emplace_back("lost");
          book->lost.push_back(msg);
        },
        [=](const node_gone& msg) {
          book->heard.emplace_back("node_gone");
          book->gone.push_back(msg.node);
        },
        [](const cancel_run&) {},
        [](run_tick) {},
        [](facts_durable) {},
        [](ask_status) { return run_status{}; },
        [](ask_report) { return run_report{}; },
        [](const list_tasks&) { return task_page{}; },
        [](const find_attempt&) { return attempt_place{}; },
        [](const cancel_task&) { return false; },
        [](const await_news&) { return run_news{}; },
        [](news_due) {},
        [=](const lane_ready& msg) { book->lanes.push_back(msg); },
        [](const call_progress&) {},
        [](calls_over) {},
        [](ask_calls) { return call_service{}; },
        [=](const name_blobs& msg) -> blob_list {
          auto named = std::make_shared<std::vector<core::digest>>();
          for (const core::digest& blob : book->needs)
            if (!msg.among || msg.among->count(blob) > 0)
              named->push_back(blob);
          return named;
        },
    };
  });
  return out;
}

recording_master spawn_master(actor_fixture& world) {
  recording_master out;
  out.actor = world.spawn([book = out.book](master_actor::pointer) {
    return master_actor::behavior_type{
        [](const submit_run&) { return run_handle{}; },
        [](const join_cluster&) { return node_admission{}; },
        [=](const node_silent& msg) { book->silent.push_back(msg); },
        [=](const run_ended& msg) { book->ended.push_back(msg); },
        [](const release_run&) {},
        [](facts_durable) {},
        [](const list_runs&) { return run_listing{}; },
        [](const select_run&) { return known_run{}; },
        [](const select_nodes&) { return node_listing{}; },
        [](const forget_runs&) { return forgotten_runs{}; },
        [](list_needy) { return needy{}; },
    };
  });
  return out;
}

memory_registry spawn_registry(actor_fixture& world) {
  memory_registry out;
  out.actor = world.spawn([book = out.book](registry_actor::pointer self) {
    return registry_actor::behavior_type{
        [=](const put_run& msg) {
          book->bundles[msg.bundle->run] = msg.bundle;
          for (const auto& deed : std::exchange(book->waiting, {}))
            deed();
        },
        [=](const find_run& msg) -> caf::result<run_bundle_ptr> {
          book->asked.push_back(msg.run);
          auto reply = self->make_response_promise<run_bundle_ptr>();
          book->waiting.push_back([reply, run = msg.run, known = book.get()]() mutable {
            if (const auto found = known->bundles.find(run); found != known->bundles.end())
              reply.deliver(found->second);
            else
              reply.deliver(to_caf({.code = core::errc::not_found, .message = "no such run"}));
          });
          if (!book->slow)
            for (const auto& deed : std::exchange(book->waiting, {}))
              deed();
          return reply;
        },
        [=](const forget_run& msg) { book->forgotten.push_back(msg.run); },
    };
  });
  return out;
}

void answer_all(actor_fixture& world, const memory_registry& registry) {
  registry->slow = false;
  for (const auto& [run, bundle] : std::map(registry->bundles))
    world.tell(registry.actor, put_run{bundle});
}

recording_listener spawn_listener(actor_fixture& world) {
  recording_listener out;
  out.actor = world.spawn([book = out.book](run_listener::pointer) {
    return run_listener::behavior_type{
        [=](const run_event& msg) { book->events.push_back(msg); },
    };
  });
  return out;
}

} // namespace maze::test
