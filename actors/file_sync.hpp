#pragma once

#include "maze/actors/protocol/blob_mover_actor.hpp"
#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/core/sync_plan.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

namespace maze::actors {

struct file_sync_setup {
  std::shared_ptr<io::blob_store> blobs;
  /// Spawns a mover for a node that serves blobs at `endpoint`, which reports to `owner`.
  std::function<blob_mover_actor(core::node_id holder, const std::string& endpoint,
                                 const file_sync_actor& owner)>
      spawn_mover;
  /// Where the master serves blobs and documents.
  std::string master;
  std::shared_ptr<io::log> log;
  core::sync_plan::limits limits;
  /// From this many missing bytes on, other nodes are asked as well.
  std::uint64_t ask_others_bytes = std::uint64_t{1} << 20;
  /// How many of them.
  std::size_t others_max = 3;
  /// How long a push or a document may take.
  std::chrono::milliseconds push_timeout{std::chrono::minutes(10)};
};

class file_sync_state {
public:
  static constexpr const char* name = "file_sync";
  /// The number of the master among the holders; no node has it.
  static constexpr core::node_id master_holder{0};

  explicit file_sync_state(file_sync_actor::stateful_pointer<file_sync_state> self) : self_(self) {}

  file_sync_actor::behavior_type make_behavior(file_sync_setup setup);

private:
  struct holder_state {
    std::string endpoint;
    /// One for each fetch at a time; and one that pushes and asks.
    std::vector<blob_mover_actor> movers;
    std::vector<bool> busy;
    blob_mover_actor messenger;
  };
  struct running_fetch {
    core::node_id holder;
    std::size_t mover = 0;
    std::stop_source stop;
  };

  caf::result<bool> ensure(const ensure_blobs& msg);
  caf::result<bool> push(push_blobs& msg);
  void learn(const know_holders& msg);
  void end(const fetch_ended& msg);
  void perform(const core::sync_plan::actions& todo);
  void start(const core::sync_plan::start_fetch& todo);
  void ask_others(const std::vector<core::blob_id>& missing);
  void wake();
  blob_mover_actor& messenger(core::node_id holder);
  void end_movers(holder_state& of);
  [[nodiscard]] core::sync_plan::time now() const;

  file_sync_actor::stateful_pointer<file_sync_state> self_;
  file_sync_setup setup_;
  std::optional<core::sync_plan> plan_;
  std::map<core::node_id, holder_state> holders_;
  std::map<core::want_id, caf::typed_response_promise<bool>> waiting_;
  std::map<core::fetch_id, running_fetch> fetches_;
  std::uint64_t last_want_ = 0;
  std::optional<core::sync_plan::time> wake_at_;
  sync_traffic traffic_;
  std::minstd_rand dice_{std::random_device{}()};
};

/// Detached: it looks blobs up on disk. Carries out what `core::sync_plan` decides.
file_sync_actor::behavior_type file_sync(file_sync_actor::stateful_pointer<file_sync_state> self,
                                         file_sync_setup setup);

} // namespace maze::actors
