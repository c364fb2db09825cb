#pragma once

#include "maze/io/byte_stream.hpp"
#include "maze/io/files.hpp"

namespace maze::io {

/// A connected stream socket as it is: no encryption of its own, so for UNIX sockets whose peer was
/// checked. File content goes out by sendfile(2).
class socket_stream final : public byte_stream {
public:
  /// Takes a connected socket of type SOCK_STREAM and makes it non-blocking.
  explicit socket_stream(unique_fd socket);

  core::result<std::size_t> read_some(std::span<char> room, stream_deadline until) override;
  core::result<void> write_all(std::string_view bytes, stream_deadline until) override;
  core::result<void> send_file(int file, std::uint64_t offset, std::uint64_t length,
                               stream_deadline until) override;
  void shut_down() noexcept override;

private:
  core::result<void> wait_for(short events, stream_deadline until);

  unique_fd socket_;
};

} // namespace maze::io
