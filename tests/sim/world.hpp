#pragma once

#include "maze/core/node_slots.hpp"
#include "maze/core/scheduler.hpp"
#include "sim/gpu_oracle.hpp"
#include "sim/network.hpp"
#include "sim/run_oracle.hpp"

#include <memory>

namespace maze::sim {

/// Some runs, one scheduler and some nodes on a hostile network, all drawn from one seed. `live`
/// lets them work until nothing is left to do and throws `broken_rule` when a rule does not hold.
class world {
public:
  explicit world(std::uint64_t seed);
  void live();

private:
  struct job {
    std::size_t run = 0;
    core::task_id task;
    core::resources needs;
  };
  struct run {
    std::shared_ptr<const core::graph> tasks;
    core::graph_run twin;
    run_oracle oracle;
  };
  /// One incarnation of a node.
  struct host {
    std::size_t number = 0;
    core::resources total;
    core::node_slots slots;
    bool dead = false;
    bool draining = false;
    std::map<core::attempt_id, job> held;
    std::map<core::attempt_id, core::slot_id> executing;
    /// Who starts when the one in the slot has left.
    std::map<core::slot_id, core::attempt_id> lined_up;
    gpu_oracle gpus;
    /// The last order that was refused, and when.
    std::pair<core::attempt_id, core::instant> refused;
    bool ticking = false;
  };
  /// The scheduler's own idea of a node, kept apart from the scheduler.
  struct member {
    core::resources total;
    std::size_t incarnation = 0;
    bool alive = false;
    bool drained = false;
  };

  static constexpr std::size_t events_max = 200'000;

  // --- where the network finds each ---
  static constexpr std::uint64_t scheduler_address = 0;
  static constexpr std::uint64_t first_host_address = 1000;
  static std::uint64_t run_address(std::size_t at) { return 1 + at; }
  static std::uint64_t host_address(std::size_t at) { return first_host_address + at; }

  // --- making ---
  void draw_faults();

  // --- runs ---
  void perform(std::size_t at, const core::run_step& step);
  void offer(std::size_t at, const core::offer_task& deed);
  void publish(std::size_t at, core::attempt_id attempt, const std::string& output,
               const core::manifest_delta& files, std::size_t from);
  void fail(std::size_t at, core::attempt_id attempt, const core::error& reason);

  // --- scheduler ---
  void perform(const core::scheduling_actions& actions);
  void place(const core::assign& action);
  void stop(core::attempt_id attempt);
  void attempt_left(core::attempt_id attempt, std::size_t from);
  void notice_loss(std::size_t node, std::size_t incarnation);
  void check_book(std::size_t node) const;

  // --- nodes ---
  void join(std::size_t node);
  void take_out(std::size_t node, bool zombie);
  void drain(std::size_t node);
  void receive(std::size_t at, core::attempt_id attempt, const job& work);
  void perform(std::size_t at, const core::slot_actions& actions);
  void execute(std::size_t at, core::attempt_id attempt, core::slot_id slot);
  void tick(std::size_t at);
  void finish(std::size_t at, core::attempt_id attempt);
  void leave(std::size_t at, core::attempt_id attempt);
  void refuse(std::size_t at, core::attempt_id attempt);
  /// Says what is free, every second while a run goes on.
  void beat(std::size_t at);

  void check_all() const;
  void check_end() const;

  dice fate_;
  network net_;
  std::uint32_t failing_percent_;
  std::uint32_t writing_percent_;
  std::uint32_t refusing_percent_;
  std::uint32_t prefetch_;
  std::vector<run> runs_;
  core::scheduler scheduler_;
  std::vector<member> members_;
  std::vector<std::unique_ptr<host>> hosts_;
  std::set<core::attempt_id> tokens_;
  /// Where each attempt was sent, by host; forgotten as the scheduler forgets it.
  std::map<core::attempt_id, std::size_t> home_;
  std::map<core::attempt_id, job> jobs_;
  /// Sent to the scheduler and neither placed nor taken back yet.
  std::set<core::attempt_id> queued_;
  /// Taken back by their runs while a node had them: should the node's refusal be on its way, they
  /// must not wait again.
  std::set<core::attempt_id> taken_back_;
};

} // namespace maze::sim
