#pragma once

#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/actors/shared_messages.hpp"

#include <stop_token>

namespace maze::actors {

/// Bring these blobs; the end is told to the file sync as `fetch_ended`.
struct fetch_blobs {
  core::fetch_id fetch;
  std::vector<core::blob_id> blobs;
  /// Asked to stop when nobody wants them any more.
  std::stop_token stop;
};

/// Tell the file sync which of these the holder has, as `holder_answered`.
struct ask_holder {
  std::vector<core::blob_id> blobs;
};

/// A BLOB MOVER: one bulk connection with one holder.
using blob_mover_actor = interface<void(fetch_blobs), void(ask_holder), std::uint64_t(push_blobs),
                                   std::string(fetch_document)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::fetch_blobs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::ask_holder)

// clang-format off
#define MAZE_BLOB_MOVER_MESSAGES(each) \
  each(maze::actors::fetch_blobs)      \
  each(maze::actors::ask_holder)
// clang-format on
MAZE_BLOB_MOVER_MESSAGES(MAZE_DECLARE_MESSAGE)
