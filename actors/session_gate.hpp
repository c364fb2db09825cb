#pragma once

#include "maze/actors/admission.hpp"
#include "maze/actors/protocol/document_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/session_actor.hpp"
#include "maze/core/part_collector.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace maze::actors {

struct session_gate_setup {
  /// Of the cluster.
  std::string name;
  std::string version;
  core::wall_time started{};
  master_actor master;
  scheduler_actor scheduler;
  document_actor documents;
  /// The connections that clients came in by.
  std::shared_ptr<const admission_book> admissions;
  /// What the cluster permits at most.
  core::permission_set permitted = core::permission_set::all();
  std::shared_ptr<io::log> log;
  /// Called when a client asks for the end of the node; must not block.
  std::function<void()> on_shut_down;
  core::part_collector::limits submissions;
  /// How long the actors of this process may take to answer.
  std::chrono::milliseconds patience{30'000};
  /// How long a node may take to say how it is, before the others are listed without it.
  std::chrono::milliseconds node_patience{2'000};
  /// How long a large document may take.
  std::chrono::milliseconds document_patience{120'000};
  /// Encoded reports kept for who fetches them in parts.
  std::size_t reports_max = 4;
};

class session_gate_state {
public:
  static constexpr const char* name = "session_gate";

  explicit session_gate_state(session_actor::stateful_pointer<session_gate_state> self)
      : self_(self) {}

  session_actor::behavior_type make_behavior(session_gate_setup setup);

private:
  struct kept_report {
    std::uint64_t version = 0;
    core::run_id run;
    shared_bytes encoded;
  };
  using failure = std::function<void(const caf::error&)>;

  caf::result<session_opened> open(const open_session& msg);
  caf::result<submit_progress> submit(const submit_part& msg);
  void read(std::string document, core::submitter by,
            caf::typed_response_promise<submit_progress> reply);
  caf::result<call_service> enter(const enter_calls& msg);
  caf::result<cluster_status> status();
  caf::result<run_page> list(const ask_runs& msg);
  caf::result<run_row> find(const ask_run& msg);
  caf::result<report_part> report(const of_run<ask_report_part>& msg);
  void take_report(core::run_id run, caf::typed_response_promise<report_part> reply);
  [[nodiscard]] static report_part part_of(const kept_report& from, std::uint64_t offset);
  caf::result<task_log> read_log_of(const of_run<ask_log>& msg);
  void read_on_node(const of_run<ask_log>& msg, const attempt_place& place,
                    caf::typed_response_promise<task_log> reply);
  caf::result<bool> cancel(const of_run<cancel_run>& msg);
  caf::result<node_page> nodes();
  caf::result<bool> drain(const drain_member& msg);

  /// Asks the run's DAGContext and answers with what it says.
  template <class Reply, class Question>
  caf::result<Reply> ask_run_itself(core::run_id run, Question question);
  /// Calls `use` with the run, or `fail` with why there is none.
  void with_run(core::run_id run, std::function<void(const known_run&)> use, failure fail);
  /// Calls `done` with the rows of `runs`, in their order.
  void describe(std::vector<known_run> runs, std::function<void(std::vector<run_row>)> done);

  session_actor::stateful_pointer<session_gate_state> self_;
  session_gate_setup setup_;
  std::optional<core::part_collector> submissions_;
  std::deque<kept_report> reports_;
  std::uint64_t last_report_ = 0;
};

/// Cooperative: the one actor that connected clients see.
session_actor::behavior_type session_gate(session_actor::stateful_pointer<session_gate_state> self,
                                          session_gate_setup setup);

} // namespace maze::actors
