#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace maze::core {

/// A node as the master knows it.
struct member {
  std::string name;
  resources total;

  friend bool operator==(const member&, const member&) = default;
};

/// A run as the master knows it.
struct run_record {
  std::string name;
  std::string client_id;
  run_state state = run_state::accepted;

  friend bool operator==(const run_record&, const run_record&) = default;
};

/// Decides which runs and nodes exist: mints their ids, keeps submits idempotent.
/// @note Not thread-safe; knows no clock. Equal seeds and events give equal ids.
class cluster {
public:
  explicit cluster(std::uint64_t seed) : seed_(seed) {}

  struct submitted {
    run_id run;
    /// False when the client had submitted the same id before.
    bool fresh = true;
  };
  /// Accepts a run; `client_id` submitted again gives the first run back. Fails with
  /// `invalid_argument` when it comes back under another name.
  result<submitted> submit(std::string_view name, std::string_view client_id);
  /// Takes a node in. Fails with `invalid_argument` for one without cores and with `already_exists`
  /// for a name that a member has.
  result<node_id> join(std::string_view name, const resources& total);
  /// Whether the node was a member.
  bool leave(node_id node);
  /// Records where a run is; `stale` when that state cannot follow the present one.
  result<void> run_changed(run_id run, run_state state);
  /// Forgets a run that has ended, its client id included; false for every other.
  bool forget(run_id run);

  [[nodiscard]] const std::map<run_id, run_record>& runs() const noexcept { return runs_; }
  [[nodiscard]] const std::map<node_id, member>& members() const noexcept { return members_; }

private:
  std::uint64_t seed_;
  std::uint64_t minted_ = 0;
  std::uint64_t next_node_ = 1;
  std::map<run_id, run_record> runs_;
  std::map<std::string, run_id, std::less<>> by_client_;
  std::map<node_id, member> members_;
};

} // namespace maze::core
