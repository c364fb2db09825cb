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

namespace maze::bench {

/// A master and two worker nodes of one core each, as processes of their own, and a session with them.
class cluster {
public:
  /// `secure`: workers and client come over TLS. Ends the program where that fails.
  explicit cluster(bool secure);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  /// Submits a run of calls and takes them over.
  std::unique_ptr<actors::call_stream> open(core::call_plan plan);
  /// CPU time of all processes so far, this one's included.
  [[nodiscard]] std::chrono::nanoseconds cpu() const;
  /// Resident memory of the master, in bytes.
  [[nodiscard]] std::uint64_t master_memory() const;
  [[nodiscard]] actors::cluster_client& session() { return *session_; }

private:
  int start(std::vector<std::string> words);
  /// Runs a command of maze-node to its end.
  void command(std::vector<std::string> words);

  std::filesystem::path room_;
  std::vector<int> processes_;
  std::shared_ptr<io::blob_store> store_;
  core::library_refs libraries_;
  node::cluster_address address_;
  std::unique_ptr<actors::cluster_client> session_;
  int runs_ = 0;
};

/// Says why and ends the program.
[[noreturn]] void give_up(const std::string& why);

} // namespace maze::bench
