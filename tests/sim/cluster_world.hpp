#pragma once

#include "maze/core/cluster.hpp"
#include "maze/core/cluster_messages.hpp"
#include "maze/core/link.hpp"
#include "maze/core/node_slots.hpp"
#include "maze/core/scheduler.hpp"
#include "sim/gpu_oracle.hpp"
#include "sim/network.hpp"
#include "sim/run_oracle.hpp"

#include <deque>
#include <memory>

namespace maze::sim {

/// One master and some nodes that talk through links only, on a network that loses, delays, doubles and
/// reorders frames, breaks connections and falls apart; nodes crash, freeze and come back; the master
/// stands still. All drawn from one seed. `live` lets them work until nothing is left to do and throws
/// `broken_rule` when a rule does not hold.
class cluster_world {
public:
  explicit cluster_world(std::uint64_t seed);
  void live();

  /// What happened, so that a test can tell that the histories are rich.
  struct tally {
    std::uint64_t published = 0;
    std::uint64_t late_publications = 0;
    std::uint64_t expelled = 0;
    std::uint64_t resumed = 0;
    std::uint64_t replaced = 0;
    std::uint64_t left = 0;
    std::uint64_t resent = 0;
  };
  [[nodiscard]] const tally& happened() const noexcept { return happened_; }

private:
  using happening = std::function<void()>;

  struct run {
    std::shared_ptr<const core::graph> tasks;
    core::graph_run twin;
    run_oracle oracle;
    std::uint64_t stale = 0;
  };
  /// What stands still now and then, and then does all that it missed.
  struct machine {
    bool frozen = false;
    std::deque<happening> missed;
    /// When it last froze, or thawed.
    core::instant moved{};
  };
  /// One process of a node; several may live, one after the other, in one place.
  struct host {
    std::size_t number = 0;
    core::node_slots slots;
    machine self;
    bool dead = false;
    bool left = false;
    bool draining = false;
    std::uint64_t incarnation = 0;
    /// Counts the sessions that it was in.
    std::uint64_t life = 0;
    /// 0 while it has none.
    std::uint64_t connection = 0;
    std::uint64_t asked_connection = 0;
    std::unique_ptr<core::link> end;
    std::uint64_t alarm = 0;
    std::map<core::attempt_id, core::attempt_order> held;
    std::map<core::attempt_id, core::slot_id> executing;
    /// Who follows in which slot.
    std::map<core::slot_id, core::attempt_id> lined_up;
    gpu_oracle gpus;
    bool ticking = false;
    std::set<core::run_id> opened;
    /// Every item that was sent up in this session, and how many came down.
    std::vector<std::string> sent;
    std::size_t delivered = 0;
  };
  /// The master's end of one session.
  struct seat {
    core::node_id node;
    std::size_t process = 0;
    std::unique_ptr<core::link> end;
    std::uint64_t alarm = 0;
    std::uint64_t connection = 0;
    core::instant heard{};
    core::instant closed{};
    std::set<core::run_id> opened;
    std::vector<std::string> sent;
    std::size_t delivered = 0;
  };
  /// A place for a node on the network.
  struct place {
    core::resources total;
    std::size_t process = 0;
    std::uint64_t incarnation = 0;
    bool drained = false;
    bool cut = false;
    /// When it was last cut, frozen, dead or not connected.
    core::instant troubled{};
    std::uint32_t lost_up = 0;
    std::uint32_t lost_down = 0;
  };

  // --- the network and the machines ---
  void on(machine& self, const happening& what);
  void carry(std::size_t number, bool up, const happening& what);
  void transmit(std::size_t number, bool up, const core::link_frame& frame, std::size_t process);
  void draw_faults();
  void cut(std::size_t number);
  void break_connection(std::size_t number);
  void crash(std::size_t number);
  void freeze(std::size_t number);
  void thaw(machine& self);

  // --- master ---
  void on_master(const happening& what);
  void application(std::size_t process, const core::node_application& asks,
                   std::uint64_t connection);
  void depart(const core::departure& gone);
  void perform(core::session_id session, core::link_step step);
  void ended(core::session_id session, const core::session_over& end);
  void hear(core::session_id session, const core::to_master& message);
  void hear_late(const core::to_master& message);
  void tell(core::session_id session, const core::to_node& message);
  void perform(std::size_t at, const core::run_step& step);
  void perform(const core::scheduling_actions& actions);
  void offer(std::size_t at, const core::offer_task& deed);
  void place_attempt(const core::assign& action);
  void stop(core::attempt_id attempt);
  void publish(const core::order_published& message);
  void fail(std::size_t at, core::attempt_id attempt, const core::error& reason);
  void drain(std::size_t number);

  // --- nodes ---
  void start(std::size_t number);
  void knock(std::size_t at);
  void admitted(std::size_t at, core::session_id session, std::uint64_t connection);
  void begin_anew(std::size_t at);
  void perform_at(std::size_t at, core::link_step step);
  void obey(std::size_t at, const core::to_node& message);
  void perform_at(std::size_t at, const core::slot_actions& actions);
  /// Unless the process has died or begun anew by then.
  void later(std::size_t at, core::duration wait, std::function<void()> what);
  void give_back(std::size_t at, core::slot_id slot, core::attempt_id attempt);
  void execute(std::size_t at, core::attempt_id attempt, core::slot_id slot);
  void say(std::size_t at, const core::to_master& message);
  void flush(std::size_t at);
  void finish(std::size_t at, core::attempt_id attempt);
  void leave(std::size_t at, core::attempt_id attempt);
  void retire(std::size_t at);
  void report(std::size_t at);

  // --- rules ---
  void check_all() const;
  void check_places() const;
  void check_end() const;
  [[nodiscard]] bool runs_ended() const;

  dice fate_;
  network net_;
  std::uint32_t losing_percent_;
  std::uint32_t doubled_percent_;
  std::uint32_t failing_percent_;
  std::uint32_t writing_percent_;
  std::uint32_t prefetch_;
  core::link::options master_settings_;
  core::link::options node_settings_;
  core::cluster cluster_;
  core::scheduler scheduler_;
  machine master_;
  std::deque<happening> todo_;
  std::vector<run> runs_;
  std::vector<place> places_;
  std::vector<std::unique_ptr<host>> processes_;
  std::map<core::session_id, seat> seats_;
  std::map<core::node_id, core::session_id> session_of_;
  std::set<core::attempt_id> tokens_;
  std::map<core::attempt_id, core::attempt_order> orders_;
  std::map<core::attempt_id, core::session_id> home_;
  std::set<core::attempt_id> queued_;
  /// Taken back by their runs while a node had them: should the node's refusal be on its way, they
  /// must not wait again.
  std::set<core::attempt_id> taken_back_;
  /// Each node name and incarnation that was ever given a session.
  std::set<std::pair<std::string, std::uint64_t>> admitted_;
  std::uint64_t connections_ = 0;
  tally happened_;
};

} // namespace maze::sim
