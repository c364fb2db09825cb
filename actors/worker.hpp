#pragma once

#include "maze/actors/attempt_environment.hpp"
#include "maze/actors/container_service.hpp"
#include "maze/actors/host_programs.hpp"
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"
#include "maze/actors/run_files.hpp"
#include "maze/core/file_uses.hpp"
#include "maze/io/log.hpp"
#include "maze/io/trusted_code.hpp"
#include "maze/io/view_store.hpp"
#include "maze/sandbox/launcher.hpp"

#include <caf/stateful_actor.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace maze::actors {

/// What all workers of a node share.
struct worker_services {
  std::shared_ptr<sandbox::launcher> launcher;
  std::shared_ptr<io::log> log;
  base_environment environment;
  /// First of the user ids that children get, two a slot; empty: they run as the node does.
  std::optional<std::uint32_t> first_user;
  /// What every child gets at least.
  core::sandbox_level sandbox_min = core::sandbox_level::none;
  /// What of sandboxes this node can give.
  core::sandbox_offer offers{};
  /// From SIGTERM to SIGKILL when an attempt is stopped.
  std::chrono::milliseconds stop_grace{2000};
  io::change_filter filter;
  /// Gives up the collection of files when the node stops.
  std::stop_token stopping;
  /// Folder of the node's runs.
  std::filesystem::path runs_root;
  host_programs programs;
  /// All that may be loaded here of libraries and pickled functions; null: whatever a run brings.
  std::shared_ptr<const io::trusted_code> trusted;
  /// Null where this node has no container engine.
  std::shared_ptr<container_service> containers;
};

struct worker_setup {
  core::slot_id slot;
  local_agent_actor agent;
  std::shared_ptr<const worker_services> services;
};

class worker_state {
public:
  static constexpr const char* name = "worker";

  explicit worker_state(worker_actor::stateful_pointer<worker_state> self) : self_(self) {}

  worker_actor::behavior_type make_behavior(worker_setup setup);

private:
  struct held_attempt {
    attempt_order order;
    std::shared_ptr<run_files> files;
    std::vector<std::uint32_t> gpus;
    /// Whether its child has the second user of the slot. A child may write as its user until its
    /// tree is gone, so the one whose files are still being collected must be another.
    bool second_user = false;
    io::view view;
    sandbox::launch_id child = 0;
    /// Where a function leaves its result.
    std::shared_ptr<const io::unique_fd> reply;
    core::phase_times phases;
    core::isolation isolation;
    /// Bytes in its folder before its child began.
    std::uint64_t disk_before = 0;
    /// It was stopped because it wrote too much.
    bool disk_passed = false;
    /// Learns which files it reads, where its task wants a report of that.
    std::shared_ptr<sandbox::file_watch> watch;
    /// Why it could not be had; empty: it could, or nobody wants one.
    std::string unwatched;
  };

  void run(run_attempt& msg);
  void end(const child_ended& msg);
  [[nodiscard]] held_attempt* find(core::attempt_id attempt);
  [[nodiscard]] const held_attempt* find(core::attempt_id attempt) const;
  /// Whether it waits for the end of another one's child.
  [[nodiscard]] bool lined_up(const held_attempt& x) const;
  core::result<void> pull(held_attempt& x);
  core::result<sandbox::launch_request> resolve(held_attempt& x);
  /// Gives the request its program.
  core::result<void> choose_program(held_attempt& x, core::resolved_call call,
                                    sandbox::launch_request& request);
  [[nodiscard]] static core::result<std::string> outcome_of(const held_attempt& x,
                                                            const sandbox::exit_report& report);
  core::result<void> execute(held_attempt& x, sandbox::launch_request request);
  /// Bytes that the attempt has written into its folder.
  [[nodiscard]] std::uint64_t disk_used(const held_attempt& x, bool ended) const;
  /// Sets what a child is told of its limit of disk.
  void limit_disk(held_attempt& x, core::sandbox_spec& sandbox) const;
  /// Has a tick come to look at how much it wrote. @param looked  how long the last look took
  void watch_disk(const held_attempt& x, std::chrono::nanoseconds looked);
  void check_disk(core::attempt_id attempt);
  /// The last look, when nobody writes any more.
  core::result<void> check_disk_at_end(held_attempt& x);
  /// Has somebody look at what its child reads, if its task wants that and it can be had.
  void watch_files(held_attempt& x, sandbox::launch_request& request);
  /// What was seen of it; the watch waits for another attempt.
  core::file_uses end_watch(held_attempt& x);
  /// Compares what it did with what its task declares; fails where it may not count because of that.
  core::result<void> check_files(held_attempt& x, core::file_uses uses, const io::changes& changed);
  /// Adds what was not shown to the attempt: to its report, and to what failed because of that, as far as it may have.
  static void tell_withheld(held_attempt& x, core::error& failed);
  void push(held_attempt& x, sandbox::exit_report& report);
  /// The attempt never began: somebody else may have it.
  void give_back(held_attempt& x);
  /// What a child printed is kept and handed on, so no secret may be in it.
  void hide_secrets(sandbox::exit_report& report) const;
  core::result<publish_attempt> collect(held_attempt& x, std::string output);
  /// Reports `failed` and makes the slot free.
  void give_up(held_attempt& x, core::error failed, std::vector<cut_stream> cut = {});
  void free_slot(const held_attempt& x);
  /// Removes the view and forgets the attempt.
  void clear(held_attempt& x);
  caf::result<log_piece> read(const read_log& msg) const;
  [[nodiscard]] std::optional<log_piece> read_live(const read_log& msg) const;
  /// Announces the phase of an attempt whose turn it is.
  void enter(held_attempt& x, core::phase at);
  static void leave(held_attempt& x, core::phase at);
  [[nodiscard]] static core::duration age(const held_attempt& x);
  void announce(held_attempt& x, core::phase at);
  /// For the log; tests kill nodes where it says that a phase begins.
  void note(const held_attempt& x, core::phase at) const;
  /// Of a completed attempt only what its output does not hold.
  void keep_logs(const held_attempt& x, const sandbox::exit_report& report, bool failed) const;
  void warn(const held_attempt& x, std::string_view text, const core::error& reason) const;
  [[nodiscard]] static const core::task_spec& spec(const held_attempt& x);
  [[nodiscard]] static std::filesystem::path log_file(const held_attempt& x, const char* stream);
  [[nodiscard]] std::optional<io::view_owner> owner(const held_attempt& x) const;

  worker_actor::stateful_pointer<worker_state> self_;
  worker_setup setup_;
  /// The first one's child runs; a second one's starts when that has ended.
  std::list<held_attempt> attempts_;
  std::vector<std::shared_ptr<sandbox::file_watch>> spare_watches_;
};

/// Detached: it blocks on disk. Takes attempts through pull, resolve, execute and push; while the
/// child of one runs, the next one may get ready.
worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   worker_setup setup);

} // namespace maze::actors
