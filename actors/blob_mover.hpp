#pragma once

#include "maze/actors/protocol/blob_mover_actor.hpp"
#include "maze/io/bulk_client.hpp"

#include <caf/stateful_actor.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace maze::actors {

struct blob_mover_setup {
  core::node_id holder;
  /// Connects to the holder and authenticates both sides; blocks.
  std::function<core::result<std::unique_ptr<io::byte_stream>>()> connect;
  std::shared_ptr<io::blob_store> blobs;
  file_sync_actor owner;
};

class blob_mover_state {
public:
  static constexpr const char* name = "blob_mover";

  explicit blob_mover_state(blob_mover_actor::stateful_pointer<blob_mover_state> self)
      : self_(self) {}

  blob_mover_actor::behavior_type make_behavior(blob_mover_setup setup);

private:
  void fetch(const fetch_blobs& msg);
  void ask(const ask_holder& msg);
  core::result<std::uint64_t> push(const push_blobs& msg);
  core::result<std::string> document(const fetch_document& msg);
  /// Does it, and once more over a new connection where an old one turned out to be dead.
  template <class T, class Work>
  core::result<T> twice(Work work);
  /// The connection, made where there is none.
  core::result<io::bulk_client*> client();

  blob_mover_actor::stateful_pointer<blob_mover_state> self_;
  blob_mover_setup setup_;
  std::optional<io::bulk_client> client_;
  /// The last call left the connection unusable.
  bool broken_ = false;
};

/// Detached: it blocks on the peer and on disk.
blob_mover_actor::behavior_type
blob_mover(blob_mover_actor::stateful_pointer<blob_mover_state> self, blob_mover_setup setup);

} // namespace maze::actors
