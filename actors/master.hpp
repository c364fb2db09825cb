#pragma once

#include "maze/actors/call_hub.hpp"
#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/core/cluster.hpp"
#include "maze/core/graph_run.hpp"

#include <caf/stateful_actor.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace maze::actors {

struct master_setup {
  /// Of the run ids; also tells this start of the process from every other.
  std::uint64_t seed = 0;
  /// Options of every run; the epoch is this start of the master.
  core::graph_run::options run_settings;
  scheduler_actor scheduler;
  /// Null where nobody could read one: deeds then wait for nothing.
  journal_actor journal;
  registry_actor registry;
  /// The latest runs that ended and can still be asked about, unless they were released.
  std::size_t ended_runs_max = 1000;
  /// Null where the store goes with the node.
  reclaimer_actor reclaimer;
  /// Spawns the hubs of runs with calls; null on a node that takes none.
  std::function<call_hub_actor(call_hub_setup)> spawn_hub;
  /// How long it may take to free what was forgotten.
  std::chrono::milliseconds reclaim_timeout{100'000};
};

class master_state {
public:
  static constexpr const char* name = "master";

  explicit master_state(master_actor::stateful_pointer<master_state> self) : self_(self) {}

  master_actor::behavior_type make_behavior(master_setup setup);

private:
  caf::result<run_handle> submit(const submit_run& msg);
  /// What the journal keeps of a submission, but for its run.
  static core::result<core::run_accepted> fact_of(const submission& work);
  void open_run(core::run_id run, const submit_run& msg);
  caf::result<node_admission> join(const join_cluster& msg);
  /// A node is no member any more.
  void drop(const core::departure& gone);
  void lose(const node_silent& msg);
  void end(const run_ended& msg);
  void release(core::run_id run);
  caf::result<forgotten_runs> forget(const forget_runs& msg);
  [[nodiscard]] core::result<void> check_ended(const std::vector<core::run_id>& runs) const;
  /// What is left of a run that has ended, for the reclaimer.
  void leave(core::run_id run, reclaim_runs& to);
  [[nodiscard]] needy all_needy() const;
  [[nodiscard]] run_listing list(const list_runs& msg) const;
  [[nodiscard]] known_run describe(core::run_id run) const;
  caf::result<known_run> select(const select_run& msg) const;
  caf::result<node_listing> select(const select_nodes& msg) const;
  void node_lost(const caf::actor_addr& agent);
  void keep(core::journal_event fact);
  /// Calls `deed` once everything kept so far is durable, or with an error should the master end first.
  void once_durable(std::function<void(const caf::error&)> deed);
  void release_gated();

  struct live_run {
    dag_context_actor context;
    core::wall_time accepted{};
    std::vector<std::string> collect;
  };
  struct member_agent {
    core::node_id node;
    node_agent_actor agent;
  };

  master_actor::stateful_pointer<master_state> self_;
  master_setup setup_;
  std::optional<core::cluster> logic_;
  std::map<core::run_id, live_run> contexts_;
  /// Those that are kept, in the order of acceptance.
  std::vector<core::run_id> order_;
  /// Runs that ended and were not released, in the order of their ends.
  std::deque<core::run_id> ended_;
  /// Runs ever opened.
  std::uint64_t opened_ = 0;
  std::vector<member_agent> agents_;
  std::deque<std::pair<std::uint64_t, std::function<void(const caf::error&)>>> gated_;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t durable_ticket_ = 0;
};

/// Cooperative: accepts runs and nodes, keeps one DAGContext a run.
master_actor::behavior_type master(master_actor::stateful_pointer<master_state> self,
                                   master_setup setup);

} // namespace maze::actors
