#pragma once

#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/journal.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/stateful_actor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace maze::actors {

struct journal_keeper_setup {
  std::shared_ptr<io::journal> journal;
  /// Its new blobs are made durable before the facts that name them.
  std::shared_ptr<io::blob_store> blobs;
  /// Called when the disk refuses facts: it must end the process, for memory must not outlive a disk
  /// that refused.
  std::function<void(const core::error&)> on_failure;
};

class journal_keeper_state {
public:
  static constexpr const char* name = "journal_keeper";

  explicit journal_keeper_state(journal_actor::stateful_pointer<journal_keeper_state> self)
      : self_(self) {}

  journal_actor::behavior_type make_behavior(journal_keeper_setup setup);

private:
  void append(const append_facts& msg);
  void commit();

  journal_actor::stateful_pointer<journal_keeper_state> self_;
  journal_keeper_setup setup_;
  /// Last ticket of the open batch by who sent it.
  std::map<caf::strong_actor_ptr, std::uint64_t> waiting_;
  bool commit_due_ = false;
  /// Kept for its memory.
  std::vector<io::journal_row> rows_;
};

/// Detached: it blocks on disk. Commits when its mailbox is drained, so a batch is as large as the
/// load makes it and a lone fact waits for nothing but the disk.
journal_actor::behavior_type
journal_keeper(journal_actor::stateful_pointer<journal_keeper_state> self,
               journal_keeper_setup setup);

} // namespace maze::actors
