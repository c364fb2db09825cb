#pragma once

#include "maze/io/bulk_fetch.hpp"

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// The requesting side of one bulk connection.
///
/// A call that fails as a whole, or was stopped, leaves the connection unusable: give it another
/// stream with `reconnect`, to the same peer or to another one that has the blobs, and call again.
/// What is in the store by then is not asked for again, and a blob that broke off goes on where it
/// stopped.
///
/// @note One thread at a time. Blocks on peer and disk; a stop request ends a call soon
/// (`cancelled`).
class bulk_client {
public:
  struct options {
    bulk_fetch::limits fetch;
    /// How long the peer may take to begin an answer, and for a frame.
    bulk_deadlines limits;
    /// How long the peer may take to make what it was sent durable.
    std::chrono::milliseconds flush{std::chrono::minutes(2)};
    /// The largest document, in bytes.
    std::uint64_t document_max = std::uint64_t{64} << 20;
  };

  bulk_client(std::unique_ptr<byte_stream> stream, options settings);

  /// Goes on over another stream.
  void reconnect(std::unique_ptr<byte_stream> stream);

  /// For each blob whether the peer has it.
  core::result<std::vector<bool>> have(std::span<const core::blob_id> blobs, std::stop_token stop);
  /// Brings those of `blobs` into `into` that it lacks, each checked against its hash while it
  /// comes. Nothing is durable before `blob_store::flush`.
  core::result<bulk_report> get(std::span<const core::blob_id> blobs, blob_store& into,
                                std::stop_token stop);
  /// Sends those of `blobs` that the peer lacks; on return they are durable there, but for the
  /// failures. `permission_denied` where the peer takes none.
  core::result<bulk_report> put(std::span<const core::blob_id> blobs, blob_store& from,
                                std::stop_token stop);
  /// A document that the peer holds in memory; `not_found`, `permission_denied`, or `limit_exceeded`
  /// beyond `document_max`.
  core::result<std::string> document(std::string_view name, std::stop_token stop);

  /// Bytes of blobs and documents that came and went over this client, without frames.
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

private:
  struct connection {
    explicit connection(std::unique_ptr<byte_stream> from)
        : stream(std::move(from)), in(*stream), out(*stream) {}
    std::unique_ptr<byte_stream> stream;
    bulk_frame_reader in;
    bulk_frame_writer out;
  };

  core::result<bulk_frame> next_frame(std::chrono::milliseconds idle);
  core::result<bulk_frame> next_answer(core::bulk::frame_kind kind, std::uint32_t request,
                                       std::chrono::milliseconds idle);
  core::result<void> send(const std::string& frame);
  core::result<std::vector<bool>> ask(core::bulk::frame_kind kind, std::uint32_t request,
                                      std::span<const core::blob_id> blobs);
  core::result<void> fetch_all(bulk_fetch& fetch);
  core::result<void> put_some(std::span<const core::blob_id> blobs, blob_store& from,
                              bulk_report& report);
  core::result<void> send_blob(std::uint32_t request, std::uint32_t item, const core::blob_id& blob,
                               blob_store& from);
  core::result<std::string> fetch_document(std::string_view name);
  core::error reason(core::error failure);
  /// Runs `work` so that a stop request ends it.
  template <class Work>
  auto stoppable(const std::stop_token& stop, Work work) -> decltype(work());

  options settings_;
  std::unique_ptr<connection> peer_;
  std::uint32_t next_request_ = 1;
  std::optional<blob_writer> partial_;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

} // namespace maze::io
