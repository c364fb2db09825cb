#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/journal_event.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <vector>

namespace maze::actors {

/// Facts to keep, in order; `ticket` comes back in `facts_durable`.
struct append_facts {
  std::vector<core::journal_event> facts;
  std::uint64_t ticket = 0;
};

/// Everything up to the ticket is on disk, the blobs that it names included.
struct facts_durable {
  std::uint64_t ticket = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, facts_durable& x) {
    return f(x.ticket);
  }
};

/// Sent by the keeper to itself: makes the open batch durable once nothing waits before it.
struct commit_batch {
  template <class Inspector>
  friend auto inspect(Inspector& f, commit_batch&) {
    return f();
  }
};

/// The JOURNAL KEEPER: makes facts durable, many at a time. The sender of `append_facts` hears
/// `facts_durable`; should a fact be refused by the disk, the process ends.
using journal_actor = interface<
    // Adds facts to the open batch.
    void(append_facts), void(commit_batch)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::append_facts)

// clang-format off
#define MAZE_JOURNAL_MESSAGES(each) \
  each(maze::actors::append_facts)  \
  each(maze::actors::facts_durable) \
  each(maze::actors::commit_batch)
// clang-format on
MAZE_JOURNAL_MESSAGES(MAZE_DECLARE_MESSAGE)
