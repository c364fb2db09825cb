#include "maze/actors/type_ids.hpp"

#include "maze/actors/errors.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/node_gate_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/session_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"

#include <caf/actor_system_config.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace maze::actors {

namespace {

void add_session_types(caf::actor_system_config& config) {
  config.add_message_type<open_session>("maze.session")
      .add_message_type<session_opened>("maze.opened")
      .add_message_type<submit_part>("maze.submit_part")
      .add_message_type<submit_progress>("maze.submitted")
      .add_message_type<ask_cluster>("maze.ask_cluster")
      .add_message_type<cluster_status>("maze.cluster")
      .add_message_type<ask_runs>("maze.ask_runs")
      .add_message_type<run_page>("maze.run_page")
      .add_message_type<ask_run>("maze.ask_run")
      .add_message_type<run_row>("maze.run_row")
      .add_message_type<of_run<list_tasks>>("maze.run.tasks")
      .add_message_type<of_run<await_news>>("maze.run.news")
      .add_message_type<of_run<ask_report_part>>("maze.run.report")
      .add_message_type<of_run<ask_output>>("maze.run.output")
      .add_message_type<of_run<ask_log>>("maze.run.log")
      .add_message_type<of_run<cancel_run>>("maze.run.cancel")
      .add_message_type<of_run<cancel_task>>("maze.run.cancel_task")
      .add_message_type<report_part>("maze.report_part")
      .add_message_type<task_output>("maze.output")
      .add_message_type<task_log>("maze.log")
      .add_message_type<ask_nodes>("maze.ask_nodes")
      .add_message_type<node_page>("maze.node_page")
      .add_message_type<drain_member>("maze.drain")
      .add_message_type<shut_down>("maze.shut_down");
}

} // namespace

void add_message_types(caf::actor_system_config& config) {
  config.add_message_type<facts_durable>("maze.durable")
      .add_message_type<find_run>("maze.find_run")
      .add_message_type<forget_run>("maze.forget_run")
      .add_message_type<start_run>("maze.start_run")
      .add_message_type<attempts_assigned>("maze.assigned")
      .add_message_type<attempt_entered>("maze.entered")
      .add_message_type<publish_attempt>("maze.publish")
      .add_message_type<attempt_lost>("maze.lost")
      .add_message_type<node_gone>("maze.node_gone")
      .add_message_type<cancel_run>("maze.cancel_run")
      .add_message_type<ask_status>("maze.ask_status")
      .add_message_type<run_status>("maze.status")
      .add_message_type<ask_report>("maze.ask_report")
      .add_message_type<run_report>("maze.report")
      .add_message_type<run_event>("maze.run_event")
      .add_message_type<run_attempts>("maze.run_attempts")
      .add_message_type<stop_attempts>("maze.stop_attempts")
      .add_message_type<slot_free>("maze.slot_free")
      .add_message_type<attempt_returned>("maze.returned")
      .add_message_type<drain_node>("maze.drain_node")
      .add_message_type<close_run>("maze.close_run")
      .add_message_type<offer_tasks>("maze.offer")
      .add_message_type<join_scheduler>("maze.join_scheduler")
      .add_message_type<attempts_ended>("maze.attempts_ended")
      .add_message_type<attempt_refused>("maze.refused")
      .add_message_type<node_reported>("maze.node_free")
      .add_message_type<close_node>("maze.close_node")
      .add_message_type<run_handle>("maze.run_handle")
      .add_message_type<join_cluster>("maze.join")
      .add_message_type<run_ended>("maze.run_ended")
      .add_message_type<release_run>("maze.release_run")
      .add_message_type<core::node_id>("maze.node_id")
      .add_message_type<core::link_frame>("maze.link_frame")
      .add_message_type<join_node>("maze.join_node")
      .add_message_type<node_admitted>("maze.admitted")
      .add_message_type<end_node>("maze.end_node")
      .add_message_type<node_leaves>("maze.node_leaves")
      .add_message_type<node_admission>("maze.admission")
      .add_message_type<node_silent>("maze.silent")
      .add_message_type<list_tasks>("maze.list_tasks")
      .add_message_type<task_page>("maze.task_page")
      .add_message_type<find_attempt>("maze.find_attempt")
      .add_message_type<attempt_place>("maze.attempt_place")
      .add_message_type<cancel_task>("maze.cancel_task")
      .add_message_type<await_news>("maze.await_news")
      .add_message_type<run_news>("maze.run_news")
      .add_message_type<news_due>("maze.news_due")
      .add_message_type<read_log>("maze.read_log")
      .add_message_type<log_piece>("maze.log_piece")
      .add_message_type<ask_load>("maze.ask_load")
      .add_message_type<node_load>("maze.node_load")
      .add_message_type<list_runs>("maze.list_runs")
      .add_message_type<known_run>("maze.known_run")
      .add_message_type<run_listing>("maze.run_listing")
      .add_message_type<select_run>("maze.select_run")
      .add_message_type<select_nodes>("maze.select_nodes")
      .add_message_type<node_listing>("maze.node_listing");
  add_session_types(config);
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
