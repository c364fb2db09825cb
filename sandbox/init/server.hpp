#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init/cgroups.hpp"
#include "maze/sandbox/init/connection.hpp"
#include "maze/sandbox/init/keeper.hpp"
#include "maze/sandbox/init/listener.hpp"
#include "maze/sandbox/init/overlay.hpp"
#include "maze/sandbox/init/probe.hpp"
#include "maze/sandbox/init/slot.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace maze::sandbox::init {

/// maze-init's event loop: takes requests, starts children, watches them and reports their ends.
/// Everything happens in one thread.
class server {
public:
  /// @param guardian  pidfd of the process above, whose death ends this one; -1: the kernel does it.
  /// @param groups  Name of the folder of its control groups: whoever survives it removes that.
  /// @param scratch  Where overlays are tried.
  server(io::unique_fd socket, io::unique_fd guardian, privilege how, std::string groups,
         const std::string& scratch);
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Serves until the node or the guardian is gone, then kills every tree. Returns an exit status.
  int run();

private:
  using clock = std::chrono::steady_clock;
  /// In an event's key: the witness of the child whose launch id the other bits are.
  static constexpr std::uint64_t witness_bit = std::uint64_t{1} << 63;

  /// One attempt. It is over when its main process is dead and nothing of its tree is left.
  struct child {
    /// The main process; -1 as long as a keeper has not told it, and once it is reaped.
    pid_t main = -1;
    std::unique_ptr<slot> inside;
    keeper kept;
    clock::time_point started;
    group_set groups;
    /// From its start on until its listener has come, and who waits for what that tells.
    passage through;
    witness watched;
    std::optional<core::duration> cpu_limit;
    /// Of the memory that its tree may have, where no group holds it to that.
    std::optional<std::uint64_t> memory_watched;
    bool wall_passed = false;
    bool cpu_passed = false;
    bool memory_passed = false;
    bool violated = false;
    /// How a child ends whose calls nobody can hear of.
    std::optional<protocol::end_cause> unheard;
    bool stopping = false;
    bool main_dead = false;
    protocol::ended report;
  };
  /// What is due with a child: to kill it, because it was stopped or its time has passed, or to look at what it used.
  enum class due : std::uint8_t { stop, wall, cpu, memory };
  struct deadline {
    std::uint64_t id = 0;
    due what = due::stop;
  };

  /// A launch that waits until another child's tree is gone.
  struct held_launch {
    std::uint64_t id = 0;
    std::uint64_t after = 0;
    std::unique_ptr<packet> request;
  };

  bool wait_and_handle();
  bool dispatch(std::uint64_t key);
  bool serve_node();
  bool handle(packet& received);
  void want_writes();
  void start(const protocol::launch_view& request, const packet& received);
  [[nodiscard]] bool knows(std::uint64_t id) const;
  void start_held_after(std::uint64_t ended);
  /// Whether a launch of this id was held: it never starts, and is told as ended.
  bool drop_held(std::uint64_t id, protocol::end_cause why);
  /// Whether a sealed child may begin here.
  [[nodiscard]] failure check_sealed(const protocol::launch_view& request) const;
  failure start_child(child& made, const protocol::launch_view& request, const packet& received);
  failure start_in_slot(child& made, spawn_plan& plan);
  void stop(const protocol::stop_request& request);
  void kill_main(const child& victim, int signal) const;
  void enforce_deadlines();
  /// Looks at what a child used so far: kills it where that is too much, else looks again later.
  void check_cpu(child& x, clock::time_point now);
  void check_memory(child& x, clock::time_point now);
  void read_groups(child& x);
  [[nodiscard]] int milliseconds_to_next_deadline() const;

  bool serve_signal();
  void reap();
  void reaped(pid_t pid, int status, const rusage& usage);
  void keeper_told(child& x);
  void watch(int fd, std::uint64_t key);
  void unwatch(const io::unique_fd& watched);
  /// The same, and closes it.
  void forget(io::unique_fd& watched);
  /// Takes over the listener of a child that has begun; one without is ended.
  void listen_to(child& x);
  /// Ends a child that made a call which is not allowed.
  void witness_told(child& x);
  void forget_witness(child& x);
  /// Why somebody here killed the child; nothing if nobody did.
  static std::optional<protocol::end_cause> killed_for(const child& x);
  void main_ended(child& x, int status, const rusage& usage);
  void finish_if_gone(child& x);
  void finish(child& x);
  /// Whether a direct child of this process is one that it made.
  [[nodiscard]] bool knows_process(pid_t pid) const;
  void sweep_orphans();

  connection node_;
  io::unique_fd guardian_;
  io::unique_fd signals_;
  io::unique_fd events_;
  io::unique_fd null_;
  /// The list of this process' children.
  io::unique_fd own_children_;
  surroundings around_;
  protocol::hello can_;
  slot_pool slots_;
  cgroups groups_;
  id_maps id_maps_;
  std::unordered_map<std::uint64_t, std::unique_ptr<child>> children_;
  /// In order of arrival.
  std::vector<held_launch> held_;
  /// Main processes in slots, first processes of used slots, keepers.
  std::unordered_map<pid_t, child*> processes_;
  /// Children whose keeper is dead; they are over when no orphan is left.
  std::vector<child*> draining_;
  std::multimap<clock::time_point, deadline> deadlines_;
  /// Witnesses that were killed and are not reaped yet.
  std::set<pid_t> leaving_;
  bool wants_writes_ = false;
};

} // namespace maze::sandbox::init
