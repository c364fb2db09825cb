#include "maze/actors/type_ids.hpp"

#include "maze/actors/errors.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/node_gate_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/session_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/type_erased_value.hpp>

#include <algorithm>
#include <string>
#include <typeinfo>
#include <vector>

namespace maze::actors {

namespace {

/// CAF's own `add_message_type` also adds a vector and a stream of each type, which nobody sends and
/// which take most of the time to compile.
class message_types {
public:
  explicit message_types(caf::actor_system_config& config) : config_(config) {}

  template <class T>
  message_types& add(const std::string& name) {
    config_.type_names_by_rtti.emplace(typeid(T), name);
    config_.value_factories_by_name.emplace(name, &caf::make_type_erased_value<T>);
    config_.value_factories_by_rtti.emplace(typeid(T), &caf::make_type_erased_value<T>);
    return *this;
  }

private:
  caf::actor_system_config& config_;
};

void add_call_types(message_types& all) {
  all.add<run_calls>("maze.run_calls")
      .add<stop_call>("maze.stop_call")
      .add<end_lane>("maze.end_lane")
      .add<lane_ready>("maze.lane_ready")
      .add<lane_replies>("maze.replies")
      .add<lane_yields>("maze.lane_yields")
      .add<lane_over>("maze.lane_over")
      .add<call_progress>("maze.call_counts")
      .add<ask_calls>("maze.ask_calls")
      .add<call_service>("maze.call_hub")
      .add<enter_calls>("maze.enter_calls")
      .add<attach_client>("maze.attach")
      .add<calls_opened>("maze.calls_open")
      .add<submit_calls>("maze.calls")
      .add<calls_taken>("maze.taken")
      .add<call_results>("maze.results")
      .add<calls_refused>("maze.calls_no")
      .add<results_read>("maze.read")
      .add<close_calls>("maze.calls_end")
      .add<cancel_calls>("maze.calls_stop")
      .add<calls_over>("maze.calls_over");
}

void add_session_types(message_types& all) {
  all.add<open_session>("maze.session")
      .add<session_opened>("maze.opened")
      .add<submit_part>("maze.submit_part")
      .add<submit_progress>("maze.submitted")
      .add<ask_cluster>("maze.ask_cluster")
      .add<cluster_status>("maze.cluster")
      .add<ask_runs>("maze.ask_runs")
      .add<run_page>("maze.run_page")
      .add<ask_run>("maze.ask_run")
      .add<run_row>("maze.run_row")
      .add<of_run<list_tasks>>("maze.run.tasks")
      .add<of_run<await_news>>("maze.run.news")
      .add<of_run<ask_report_part>>("maze.run.report")
      .add<of_run<ask_output>>("maze.run.output")
      .add<of_run<ask_log>>("maze.run.log")
      .add<of_run<cancel_run>>("maze.run.cancel")
      .add<of_run<cancel_task>>("maze.run.cancel_task")
      .add<report_part>("maze.report_part")
      .add<task_output>("maze.output")
      .add<task_log>("maze.log")
      .add<forget_runs>("maze.forget_runs")
      .add<forgotten_runs>("maze.forgotten_runs")
      .add<ask_nodes>("maze.ask_nodes")
      .add<node_page>("maze.node_page")
      .add<drain_member>("maze.drain")
      .add<shut_down>("maze.shut_down");
}

} // namespace

void add_message_types(caf::actor_system_config& config) {
  message_types all(config);
  all.add<facts_durable>("maze.durable")
      .add<find_run>("maze.find_run")
      .add<forget_run>("maze.forget_run")
      .add<start_run>("maze.start_run")
      .add<attempts_assigned>("maze.assigned")
      .add<attempt_entered>("maze.entered")
      .add<publish_attempt>("maze.publish")
      .add<attempt_lost>("maze.lost")
      .add<node_gone>("maze.node_gone")
      .add<cancel_run>("maze.cancel_run")
      .add<ask_status>("maze.ask_status")
      .add<run_status>("maze.status")
      .add<ask_report>("maze.ask_report")
      .add<run_report>("maze.report")
      .add<run_event>("maze.run_event")
      .add<run_attempts>("maze.run_attempts")
      .add<stop_attempts>("maze.stop_attempts")
      .add<slot_free>("maze.slot_free")
      .add<attempt_returned>("maze.returned")
      .add<drain_node>("maze.drain_node")
      .add<close_run>("maze.close_run")
      .add<core::drop_data>("maze.drop_data")
      .add<list_needy>("maze.list_needy")
      .add<needy>("maze.needy")
      .add<reclaimed>("maze.reclaimed")
      .add<offer_tasks>("maze.offer")
      .add<join_scheduler>("maze.join_scheduler")
      .add<attempts_ended>("maze.attempts_ended")
      .add<attempt_refused>("maze.refused")
      .add<node_reported>("maze.node_free")
      .add<close_node>("maze.close_node")
      .add<run_handle>("maze.run_handle")
      .add<join_cluster>("maze.join")
      .add<run_ended>("maze.run_ended")
      .add<release_run>("maze.release_run")
      .add<core::node_id>("maze.node_id")
      .add<core::link_frame>("maze.link_frame")
      .add<join_node>("maze.join_node")
      .add<node_admitted>("maze.admitted")
      .add<end_node>("maze.end_node")
      .add<node_leaves>("maze.node_leaves")
      .add<node_admission>("maze.admission")
      .add<node_silent>("maze.silent")
      .add<list_tasks>("maze.list_tasks")
      .add<task_page>("maze.task_page")
      .add<find_attempt>("maze.find_attempt")
      .add<attempt_place>("maze.attempt_place")
      .add<cancel_task>("maze.cancel_task")
      .add<await_news>("maze.await_news")
      .add<run_news>("maze.run_news")
      .add<news_due>("maze.news_due")
      .add<read_log>("maze.read_log")
      .add<log_piece>("maze.log_piece")
      .add<ask_load>("maze.ask_load")
      .add<node_load>("maze.node_load")
      .add<list_runs>("maze.list_runs")
      .add<known_run>("maze.known_run")
      .add<run_listing>("maze.run_listing")
      .add<select_run>("maze.select_run")
      .add<select_nodes>("maze.select_nodes")
      .add<node_listing>("maze.node_listing");
  add_session_types(all);
  add_call_types(all);
  config.add_error_category(
      error_category, [](std::uint8_t code, caf::atom_value, const caf::message& context) {
        return core::describe(from_caf(caf::error{code, error_category, context}));
      });
}

std::uint64_t message_types_hash() {
  caf::actor_system_config config;
  add_message_types(config);
  std::vector<std::string> names;
  for (const auto& [name, factory] : config.value_factories_by_name)
    names.push_back(name);
  std::sort(names.begin(), names.end());
  // FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](char c) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  };
  for (const std::string& name : names) {
    std::for_each(name.begin(), name.end(), add);
    add('\0');
  }
  return hash;
}

} // namespace maze::actors
