#pragma once

#include "maze/actors/call_hub.hpp"
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/core/graph_run.hpp"
#include "maze/core/run_trace.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace maze::actors {

/// What a DAGContext needs to know and whom it talks to.
struct dag_context_setup {
  core::run_id run;
  std::shared_ptr<const submission> work;
  core::graph_run::options settings;
  master_actor master;
  scheduler_actor scheduler;
  /// Null where nobody could read one: deeds then wait for nothing.
  journal_actor journal;
  /// Spawns the hub of the run's calls; null on a node that takes none.
  std::function<call_hub_actor(call_hub_setup)> spawn_hub;
};

class dag_context_state {
public:
  static constexpr const char* name = "dag_context";

  explicit dag_context_state(dag_context_actor::stateful_pointer<dag_context_state> self)
      : self_(self) {}

  dag_context_actor::behavior_type make_behavior(dag_context_setup setup);

private:
  struct active_attempt {
    core::task_id task;
    core::phase at = core::phase::pull;
    /// When it was placed, then when it began.
    core::instant since{};
    bool begun = false;
    core::node_id node;
  };

  void publish(publish_attempt& msg);
  void lose(attempt_lost msg);
  /// The hub of the run's calls, where it has any.
  void spawn_hub(const submission& work, const core::graph_run::options& settings);
  /// Tasks and calls, by `task_state` value.
  void add_counts(std::array<std::uint64_t, 9>& counts) const;
  void note_cut(core::attempt_id attempt, std::vector<cut_stream>& streams);
  void forget_node(core::node_id node);
  /// Facts to the journal, ungated deeds now, gated ones once the facts are durable.
  void perform(core::run_step step);
  void perform_gated(const core::run_deed& deed, run_event& news);
  void offer(const core::offer_task& deed, offer_tasks& batch);
  void release_gated();
  [[nodiscard]] std::vector<std::pair<core::node_id, std::uint64_t>>
  bytes_by_node(core::task_id task) const;
  [[nodiscard]] task_outcome outcome_of(core::task_id task) const;
  [[nodiscard]] run_status status(std::uint32_t running_max) const;
  [[nodiscard]] run_report report() const;

  [[nodiscard]] blob_list blobs_among(const core::digest_set* wanted) const;
  [[nodiscard]] task_page rows(const list_tasks& msg) const;
  [[nodiscard]] task_row row_of(core::task_id task) const;
  /// With times from the start of the run.
  [[nodiscard]] past_attempt told_of(const core::run_trace::stay& at,
                                     const core::run_trace::account& told) const;
  [[nodiscard]] core::result<core::task_id> find_task(const std::string& wanted) const;
  caf::result<attempt_place> place_of(const find_attempt& msg) const;
  caf::result<bool> cancel_one(cancel_task msg);
  caf::result<run_news> await(const await_news& msg);
  [[nodiscard]] bool has_news(std::uint64_t seen) const;
  [[nodiscard]] run_news news_since(std::uint64_t seen) const;
  /// Answers those who wait, if there is something to tell them.
  void tell_news();
  void end_patience(std::uint64_t question);
  /// An attempt is out no more.
  void forget(std::map<core::attempt_id, active_attempt>::iterator gone, core::errc reason);

  [[nodiscard]] core::instant now() const;

  dag_context_actor::stateful_pointer<dag_context_state> self_;
  dag_context_setup setup_;
  run_listener listener_;
  std::optional<core::reference> result_;
  /// The blobs that the run began with.
  std::vector<core::digest> snapshot_;
  std::optional<core::graph_run> logic_;
  std::map<core::attempt_id, active_attempt> active_;
  /// Where each task that published files ran, and how many bytes it wrote.
  std::unordered_map<core::task_id, std::pair<core::node_id, std::uint64_t>> written_;
  std::vector<left_out_path> left_out_;
  std::vector<cut_output> cut_;
  std::deque<std::pair<std::uint64_t, core::run_deed>> gated_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t durable_ticket_ = 0;
  core::instant wake_at_ = core::instant::max();
  std::optional<core::run_trace> trace_;
  call_hub_actor hub_;
  call_progress calls_;
  /// What its calls can do.
  core::permission_set calls_need_;
  core::instant started_{};
  /// Announced as ended otherwise than completed, in that order.
  std::vector<core::task_id> ended_badly_;
  /// The end of the run was announced.
  bool over_ = false;
  core::instant ended_{};
  struct question {
    std::uint64_t seen = 0;
    caf::typed_response_promise<run_news> reply;
  };
  std::map<std::uint64_t, question> questions_;
  std::uint64_t last_question_ = 0;
};

/// Cooperative: drives one `core::graph_run` to its end.
dag_context_actor::behavior_type
dag_context(dag_context_actor::stateful_pointer<dag_context_state> self, dag_context_setup setup);

} // namespace maze::actors
