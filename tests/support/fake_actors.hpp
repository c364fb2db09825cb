#pragma once

#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"
#include "support/actor_fixture.hpp"

#include <caf/actor_control_block.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maze::test {

/// An actor of a test, and the book in which it writes what it heard.
template <class Handle, class Book>
struct fake {
  Handle actor;
  std::shared_ptr<Book> book = std::make_shared<Book>();

  Book* operator->() const { return book.get(); }
};

/// A journal in memory, which makes facts durable when told.
struct journal_book {
  std::vector<core::journal_event> facts;
  std::map<caf::strong_actor_ptr, std::uint64_t> waiting;
};
using memory_journal = fake<actors::journal_actor, journal_book>;
memory_journal spawn_journal(actor_fixture& world);
/// All facts so far are durable: tells their senders.
void acknowledge(actor_fixture& world, const memory_journal& journal);

struct scheduler_book {
  std::vector<actors::offered_task> offers;
  std::vector<core::attempt_id> stops;
  std::vector<actors::join_scheduler> joins;
  std::vector<core::node_id> gone;
  std::vector<core::node_id> drained;
  std::vector<core::attempt_id> ended;
  std::vector<actors::attempt_refused> refused;
  std::vector<core::run_id> closed;

  /// The attempt that was offered last for the task in this place of its graph.
  [[nodiscard]] core::attempt_id attempt_of(std::uint64_t task) const;
};
using recording_scheduler = fake<actors::scheduler_actor, scheduler_book>;
recording_scheduler spawn_scheduler(actor_fixture& world);

struct node_agent_book {
  std::vector<actors::attempt_order> orders;
  std::vector<core::attempt_id> stops;
  std::vector<actors::slot_free> free;
  std::vector<core::run_id> closed;
  /// Of each `drain_node`, whether what runs is to be stopped.
  std::vector<bool> drains;
  std::vector<actors::read_log> logs_asked;
  std::vector<core::drop_data> dropped;
  /// What it answers.
  actors::node_load load;
  std::optional<actors::log_piece> log;
};
using recording_node_agent = fake<actors::local_agent_actor, node_agent_book>;
recording_node_agent spawn_node_agent(actor_fixture& world);

struct worker_book {
  std::vector<actors::run_attempt> runs;
  std::vector<core::attempt_id> stops;
  std::vector<core::attempt_id> recalls;
};
using recording_worker = fake<actors::worker_actor, worker_book>;
recording_worker spawn_worker(actor_fixture& world);

struct context_book {
  /// Kinds of messages in order of arrival: `assigned`, `entered`, `published`, `lost`, `node_gone`.
  std::vector<std::string> heard;
  std::vector<actors::attempts_assigned> assigned;
  std::vector<actors::attempt_entered> entered;
  std::vector<actors::publish_attempt> published;
  std::vector<actors::attempt_lost> lost;
  std::vector<core::node_id> gone;
  std::vector<actors::lane_ready> lanes;
  /// What it answers to `name_blobs`.
  std::vector<core::digest> needs;
};
using recording_context = fake<actors::dag_context_actor, context_book>;
recording_context spawn_context(actor_fixture& world);

struct master_book {
  std::vector<actors::run_ended> ended;
  std::vector<actors::node_silent> silent;
};
using recording_master = fake<actors::master_actor, master_book>;
recording_master spawn_master(actor_fixture& world);

/// A registry that answers when told, from the bundles in its book.
struct registry_book {
  std::map<core::run_id, actors::run_bundle_ptr> bundles;
  std::vector<core::run_id> asked;
  std::vector<core::run_id> forgotten;
  /// While true, questions wait.
  bool slow = false;
  std::vector<std::function<void()>> waiting;
};
using memory_registry = fake<actors::registry_actor, registry_book>;
memory_registry spawn_registry(actor_fixture& world);
/// Lets the registry answer what waits.
void answer_all(actor_fixture& world, const memory_registry& registry);

struct listener_book {
  std::vector<actors::run_event> events;
};
using recording_listener = fake<actors::run_listener, listener_book>;
recording_listener spawn_listener(actor_fixture& world);

} // namespace maze::test
