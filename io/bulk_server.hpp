#pragma once

#include "maze/io/bulk_session.hpp"
#include "maze/io/log.hpp"

#include <memory>
#include <string>

namespace maze::io {

/// Serves a blob store and documents to peers over streams that somebody else accepted.
///
/// One thread for each connection: there are few (nodes and clients, not tasks), each is busy with
/// long runs of disk and socket, and blocking calls are what sendfile and TLS do best.
///
/// @note Thread-safe.
class bulk_server {
public:
  struct options {
    /// Connections at a time; further ones are turned away.
    std::size_t connections_max = 64;
    /// How long a peer may wait between requests, and may take for a frame.
    bulk_deadlines limits{.idle = std::chrono::minutes(5), .frame = std::chrono::seconds(30)};
  };

  /// `events` gets one line for each connection that went wrong; may be null, else it outlives the
  /// server.
  bulk_server(std::shared_ptr<blob_store> blobs, options settings, log* events);
  /// Shuts down.
  ~bulk_server();
  bulk_server(const bulk_server&) = delete;
  bulk_server& operator=(const bulk_server&) = delete;

  /// Serves a peer, called `peer` in log lines, until it ends the stream or breaks a rule.
  /// `limit_exceeded` when there are too many connections, `cancelled` after `shut_down`.
  core::result<void> serve(std::unique_ptr<byte_stream> stream, bulk_rights rights,
                           std::string peer);
  /// Ends all connections and returns when none of them is served any more.
  void shut_down();

  [[nodiscard]] document_table& documents() noexcept;
  /// The sum over all connections that ended.
  [[nodiscard]] bulk_traffic traffic() const;
  /// Connections served right now.
  [[nodiscard]] std::size_t connections() const;

private:
  struct data;
  std::unique_ptr<data> data_;
};

} // namespace maze::io
