#pragma once

#include "maze/io/blob_store.hpp"
#include "maze/io/bulk_frames.hpp"
#include "maze/io/document_table.hpp"

#include <cstdint>

namespace maze::io {

/// What the peer of one connection is allowed.
struct bulk_rights {
  bool may_put = false;
  bool may_read_documents = false;
};

/// What one connection did.
struct bulk_traffic {
  /// Bytes of blobs and documents, without frames.
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t blobs_received = 0;
};

/// The serving side of one bulk connection: answers the requests of its peer one after the other.
///
/// @note One thread. Blocks on peer and disk.
class bulk_session {
public:
  bulk_session(byte_stream& peer, blob_store& blobs, const document_table& documents,
               bulk_rights rights, bulk_deadlines limits);

  /// Serves until the peer ends the stream. Fails when the peer breaks the protocol or a limit
  /// (`malformed`, `limit_exceeded`, `permission_denied`: it is told), or is gone or too slow
  /// (`transfer_error`).
  core::result<void> serve();

  [[nodiscard]] const bulk_traffic& traffic() const noexcept { return traffic_; }

private:
  /// An error that stands in the way of one item, not of the connection.
  using item_error = std::optional<core::error>;

  core::result<void> answer(const bulk_frame& request);
  core::result<void> have(const bulk_frame& request);
  core::result<void> get(const bulk_frame& request);
  core::result<void> get_document(const bulk_frame& request);
  core::result<void> put(const bulk_frame& request);

  core::result<void> send_range(std::uint32_t request, std::uint32_t item,
                                const core::bulk::blob_range& wanted);
  core::result<void> send_large(std::uint32_t request, std::uint32_t item, int file,
                                const core::bulk::blob_range& wanted);
  core::result<item_error> receive_blob(std::uint32_t request, std::uint32_t item,
                                        const core::blob_id& expected);
  /// Bytes of an item, or why there are none.
  struct arrival {
    item_error failure;
    std::string_view bytes;
  };
  core::result<arrival> receive_part(std::uint32_t request, const core::bulk::part_header& expected,
                                     std::uint64_t room);
  [[nodiscard]] core::bulk::presence presence_of(const core::bulk::blob_list& list) const;

  blob_store& blobs_;
  const document_table& documents_;
  bulk_rights rights_;
  bulk_deadlines limits_;
  bulk_frame_reader in_;
  bulk_frame_writer out_;
  bulk_traffic traffic_;
};

} // namespace maze::io
