#pragma once

#include "maze/actors/cluster_client.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/library.hpp"
#include "node/cluster_session.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace maze::test {

/// A master and two worker nodes of one core each, as processes of their own, and a session with them.
class calls_cluster {
public:
  struct options {
    /// Whether workers and client come over TLS.
    bool secure = false;
    /// Where the programs lie.
    std::filesystem::path programs;
    /// The task library that calls name by its `library_name`.
    std::filesystem::path library;
    std::string library_name;
    /// Whether children of a node that is root get users of their own.
    bool own_users = false;
  };

  /// Throws where something of it fails.
  explicit calls_cluster(options chosen);
  ~calls_cluster();
  calls_cluster(const calls_cluster&) = delete;
  calls_cluster& operator=(const calls_cluster&) = delete;

  /// Submits a run of calls.
  core::run_id start(core::call_plan plan);
  /// The same, and takes its calls over.
  std::unique_ptr<actors::call_stream> open(core::call_plan plan);
  /// The process of the worker node `which`, 0 or 1, or one below it: its maze-init, one of the hosts of its calls. -1 where
  /// there is none just now.
  [[nodiscard]] int worker(std::size_t which) const { return processes_[1 + which]; }
  [[nodiscard]] int below_worker(std::size_t which, const std::string& name) const;
  /// Waits for the end of a worker node that was killed, and starts it again.
  void start_again(std::size_t which);
  /// CPU time of all processes so far, this one's included.
  [[nodiscard]] std::chrono::nanoseconds cpu() const;
  /// Resident memory of the master, in bytes.
  [[nodiscard]] std::uint64_t master_memory() const;
  [[nodiscard]] actors::cluster_client& session() { return *session_; }

private:
  int start(std::vector<std::string> words) const;
  int start_worker(std::size_t which) const;
  /// Runs a command of maze-node to its end.
  void command(std::vector<std::string> words);

  options options_;
  std::filesystem::path room_;
  std::vector<int> processes_;
  std::shared_ptr<io::blob_store> store_;
  core::library_refs libraries_;
  node::cluster_address address_;
  std::unique_ptr<actors::cluster_client> session_;
  int runs_ = 0;
};

} // namespace maze::test
