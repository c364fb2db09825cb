#include "maze/actors/type_ids.hpp"

#include "maze/actors/errors.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"

#include <caf/actor_system_config.hpp>

namespace maze::actors {

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
      .add_message_type<run_handle>("maze.run_handle")
      .add_message_type<join_cluster>("maze.join")
      .add_message_type<run_ended>("maze.run_ended")
      .add_message_type<release_run>("maze.release_run")
      .add_message_type<core::node_id>("maze.node_id");
  config.add_error_category(
      error_category, [](std::uint8_t code, caf::atom_value, const caf::message& context) {
        return core::describe(from_caf(caf::error{code, error_category, context}));
      });
}

} // namespace maze::actors
