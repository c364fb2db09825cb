#pragma once

#include "maze/sandbox/init_process.hpp"
#include "maze/sandbox/init_protocol.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace maze::sandbox {

/// A launch on its way to maze-init.
struct outgoing {
  std::string body;
  protocol::message_kind kind = protocol::message_kind::launch;
  /// Standard output, standard error and the inherited ones of the child; none for other messages.
  std::vector<std::shared_ptr<const io::unique_fd>> descriptors;
};

/// The node's end of one maze-init: its process and its socket. Not thread-safe.
class init_link {
public:
  init_link(boost::asio::io_context& context, init_process process);
  /// Closes the socket and waits until maze-init has killed every tree and is gone.
  ~init_link();
  init_link(const init_link&) = delete;
  init_link& operator=(const init_link&) = delete;

  /// Queues a message and sends what the socket takes.
  void send(outgoing message);
  /// Sends what waits; whether nothing is left.
  bool flush();
  /// The next packet, valid until the next call; empty when there is none, and `closed()` then tells
  /// whether there will be more.
  std::span<char> receive();
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] boost::asio::posix::stream_descriptor& socket() { return socket_; }
  [[nodiscard]] int pid() const { return process_.pid(); }

private:
  bool send_now(const outgoing& message);

  init_process process_;
  boost::asio::posix::stream_descriptor socket_;
  std::deque<outgoing> waiting_;
  std::vector<char> buffer_;
  bool closed_ = false;
};

/// Blocks until maze-init has said hello, for at most `patience`.
core::result<protocol::hello> await_hello(init_link& link, std::chrono::milliseconds patience);

} // namespace maze::sandbox
