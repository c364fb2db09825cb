#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/blob_id.hpp"
#include "maze/core/cluster_messages.hpp"
#include "maze/core/sync_plan.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace maze::actors {

/// Bring these blobs here, from whoever has them.
struct ensure_blobs {
  std::vector<core::blob_id> blobs;

  template <class Inspector>
  friend auto inspect(Inspector& f, ensure_blobs& x) {
    return f(x.blobs);
  }
};

/// Have these blobs, which are here, in the master's store, durably.
struct push_blobs {
  std::vector<core::blob_id> blobs;

  template <class Inspector>
  friend auto inspect(Inspector& f, push_blobs& x) {
    return f(x.blobs);
  }
};

/// A document that the master keeps in memory.
struct fetch_document {
  std::string name;

  template <class Inspector>
  friend auto inspect(Inspector& f, fetch_document& x) {
    return f(x.name);
  }
};

/// Other nodes that serve blobs; an empty endpoint: no more.
struct know_holders {
  std::vector<core::holder> holders;

  template <class Inspector>
  friend auto inspect(Inspector& f, know_holders& x) {
    return f(x.holders);
  }
};

/// No run needs these blobs any more.
struct drop_blobs {
  std::vector<core::digest> blobs;

  template <class Inspector>
  friend auto inspect(Inspector& f, drop_blobs& x) {
    return f(x.blobs);
  }
};

/// What went over the bulk plane since the node started, in bytes of content.
struct sync_traffic {
  std::uint64_t received = 0;
  std::uint64_t received_from_master = 0;
  std::uint64_t sent = 0;

  template <class Inspector>
  friend auto inspect(Inspector& f, sync_traffic& x) {
    return f(x.received, x.received_from_master, x.sent);
  }
};

struct ask_traffic {
  template <class Inspector>
  friend auto inspect(Inspector& f, ask_traffic&) {
    return f();
  }
};

/// The moment that the twin asked to be woken at.
struct sync_tick {
  template <class Inspector>
  friend auto inspect(Inspector& f, sync_tick&) {
    return f();
  }
};

/// A fetch came to its end, for better or worse.
struct fetch_ended {
  core::fetch_id fetch;
  core::node_id holder;
  std::vector<core::sync_plan::outcome> outcomes;
  /// The connection failed.
  bool broken = false;
  std::uint64_t bytes = 0;
};

/// A node said which blobs it has.
struct holder_answered {
  core::node_id holder;
  std::vector<core::digest> blobs;
};

/// The FILE SYNC of a worker node: what lies here, what must come, what the master must get.
using file_sync_actor = interface<
    // Both answer when all of it is done; fail with `transfer_error` or `object_lost`.
    bool(ensure_blobs), bool(push_blobs),
    // Fails with `not_found` for one that the master does not keep.
    std::string(fetch_document), void(know_holders), sync_traffic(ask_traffic), void(sync_tick),
    void(fetch_ended), void(holder_answered),
    // Those that somebody here asked for a moment ago stay.
    void(drop_blobs)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::fetch_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::holder_answered)

// clang-format off
#define MAZE_FILE_SYNC_MESSAGES(each) \
  each(maze::actors::ensure_blobs)    \
  each(maze::actors::push_blobs)      \
  each(maze::actors::drop_blobs)      \
  each(maze::actors::fetch_document)  \
  each(maze::actors::know_holders)    \
  each(maze::actors::sync_traffic)    \
  each(maze::actors::ask_traffic)     \
  each(maze::actors::sync_tick)       \
  each(maze::actors::fetch_ended)     \
  each(maze::actors::holder_answered)
// clang-format on
MAZE_FILE_SYNC_MESSAGES(MAZE_DECLARE_MESSAGE)
