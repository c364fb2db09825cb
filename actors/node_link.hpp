#pragma once

#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/node_link_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/core/cluster_messages.hpp"
#include "maze/core/link.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maze::actors {

struct node_link_setup {
  std::string node_name;
  core::node_labels labels;
  core::link::options link;
  master_actor master;
  scheduler_actor scheduler;
  /// The master's: a publication counts only when every blob that it names lies here.
  std::shared_ptr<io::blob_store> blobs;
  std::shared_ptr<io::log> log;
  /// A link whose session is over still counts what comes late, for so long.
  std::chrono::milliseconds late_max{std::chrono::minutes(10)};
  /// How long the node may take to answer a question.
  std::chrono::milliseconds answer_timeout{5000};
};

class node_link_state {
public:
  static constexpr const char* name = "node_link";

  explicit node_link_state(node_link_actor::stateful_pointer<node_link_state> self) : self_(self) {}

  node_link_actor::behavior_type make_behavior(node_link_setup setup);

private:
  void open(const open_link& msg);
  void attach(const attach_uplink& msg);
  void run(run_attempts& msg);
  void close(core::run_id run);
  caf::result<bool> drain();
  caf::result<node_load> load();
  /// What the master knows of the node by itself.
  [[nodiscard]] node_load known_load() const;
  /// Asks the node itself; what it answers is the answer.
  template <class Answer, class Question>
  caf::result<Answer> ask(const Question& question);
  caf::result<bool> leave();
  /// Queues a message for the node.
  void tell(const core::to_node& message);
  void perform(core::link_step step);
  void wake(std::optional<core::instant> at);
  void take(std::string_view item);
  void handle(core::order_entered& x);
  void handle(core::order_published& x);
  void handle(core::order_lost& x);
  void handle(core::orders_ended& x);
  void handle(core::orders_refused& x);
  void handle(core::free_reported& x);
  void handle(core::node_leaving& x);
  /// What came after the end of the session: its publications are refused by the run, and counted there.
  void count_late(std::string_view batch);
  void end(const core::session_over& over);
  /// The run's DAGContext, or nothing when the run is over.
  [[nodiscard]] attempt_follower context_of(core::run_id run) const;
  /// The first blob of `files` that the master's store lacks.
  [[nodiscard]] const std::string* missing_blob(const core::manifest_delta& files) const;
  [[nodiscard]] core::instant now() const;

  node_link_actor::stateful_pointer<node_link_state> self_;
  node_link_setup setup_;
  core::node_id node_;
  std::optional<core::link> link_;
  /// Asked of the node before the session had its number.
  std::vector<std::string> early_;
  node_peer uplink_;
  /// Where news of a run's attempts goes, for the runs that the node knows.
  std::map<core::run_id, attempt_follower> contexts_;
  /// What the node was given and did not end yet; it may give an order back.
  std::map<core::attempt_id, attempt_order> orders_;
  std::vector<caf::typed_response_promise<bool>> drained_;
  core::instant wake_at_ = core::instant::max();
  bool flush_due_ = false;
  /// What the node said last.
  core::resources free_;
  bool over_ = false;
};

/// Cooperative: the master's end of the link with one node in one session; to the scheduler and the
/// master it is that node's agent.
node_link_actor::behavior_type node_link(node_link_actor::stateful_pointer<node_link_state> self,
                                         node_link_setup setup);

} // namespace maze::actors
