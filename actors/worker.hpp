#pragma once

#include "maze/actors/attempt_environment.hpp"
#include "maze/actors/protocol/worker_actor.hpp"
#include "maze/actors/run_files.hpp"
#include "maze/io/log.hpp"
#include "maze/io/view_store.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/stateful_actor.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

namespace maze::actors {

/// What all workers of a node share.
struct worker_services {
  std::shared_ptr<sandbox::launcher> launcher;
  std::shared_ptr<io::log> log;
  base_environment environment;
  /// First of the user ids that children get, one a slot; empty: they run as the node does.
  std::optional<std::uint32_t> first_user;
  /// From SIGTERM to SIGKILL when an attempt is stopped.
  std::chrono::milliseconds stop_grace{2000};
  io::change_filter filter;
  /// Gives up the collection of files when the node stops.
  std::stop_token stopping;
};

struct worker_setup {
  core::slot_id slot;
  node_agent_actor agent;
  std::shared_ptr<const worker_services> services;
};

class worker_state {
public:
  static constexpr const char* name = "worker";

  explicit worker_state(worker_actor::stateful_pointer<worker_state> self) : self_(self) {}

  worker_actor::behavior_type make_behavior(worker_setup setup);

private:
  struct running_attempt {
    attempt_order order;
    std::shared_ptr<run_files> files;
    io::view view;
    sandbox::launch_id child = 0;
  };

  void run(run_attempt& msg);
  core::result<void> pull();
  core::result<sandbox::launch_request> resolve();
  void execute(sandbox::launch_request request);
  void push(sandbox::exit_report& report);
  /// What a child printed is kept and handed on, so no secret may be in it.
  void hide_secrets(sandbox::exit_report& report) const;
  core::result<publish_attempt> collect(std::string output);
  /// Reports `failed` and makes the slot free.
  void give_up(core::error failed, std::vector<cut_stream> cut = {});
  void free_slot();
  /// Removes the view and forgets the attempt.
  void clear();
  void enter(core::phase at);
  void keep_logs(const sandbox::exit_report& report) const;
  void warn(std::string_view text, const core::error& reason) const;
  [[nodiscard]] const core::task_spec& spec() const;
  [[nodiscard]] std::filesystem::path log_file(const char* stream) const;
  [[nodiscard]] std::optional<io::view_owner> owner() const;

  worker_actor::stateful_pointer<worker_state> self_;
  worker_setup setup_;
  std::optional<running_attempt> now_;
};

/// Detached: it blocks on disk. Takes one attempt at a time through pull, resolve, execute and push.
worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   worker_setup setup);

} // namespace maze::actors
