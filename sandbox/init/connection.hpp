#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init_protocol.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace maze::sandbox::init {

/// One message with its descriptors. `body` stays valid and writable as long as the packet lives.
class packet {
public:
  packet() = default;
  packet(const packet&) = delete;
  packet& operator=(const packet&) = delete;
  ~packet();

  /// Without the kind.
  [[nodiscard]] char* body() const { return body_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] protocol::message_kind kind() const { return kind_; }
  /// Standard output, standard error and the inherited ones of a launch; as many as the sender gave.
  [[nodiscard]] const std::vector<io::unique_fd>& descriptors() const { return fds_; }
  /// Everything of this one, for longer than until the next message.
  std::unique_ptr<packet> take();

private:
  friend class connection;
  bool map_body();

  protocol::message_kind kind_{};
  char* body_ = nullptr;
  std::size_t size_ = 0;
  std::vector<io::unique_fd> fds_;
  void* mapping_ = nullptr;
  std::size_t mapping_size_ = 0;
  std::string kept_;
};

/// maze-init's end of the socket: never blocks, loses nothing.
class connection {
public:
  enum class outcome { received, nothing_yet, closed };

  explicit connection(io::unique_fd socket);
  /// The next message; a packet of a wrong form counts as `closed`, because the peer is not ours.
  outcome receive(packet& into);
  /// Sends now, or when the socket takes more.
  void send(std::string message);
  /// Sends what waits; whether nothing is left.
  bool flush();
  [[nodiscard]] bool idle() const { return waiting_.empty(); }
  [[nodiscard]] int fd() const { return socket_.get(); }

private:
  io::unique_fd socket_;
  std::vector<char> buffer_;
  std::deque<std::string> waiting_;
};

} // namespace maze::sandbox::init
