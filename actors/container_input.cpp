#include "maze/actors/container_input.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace maze::actors {

namespace {

/// The node's end of a child's standard input: writes what the child begins with, and then stays open.
class child_input : public std::enable_shared_from_this<child_input> {
public:
  child_input(boost::asio::io_context& context, int fd, std::string bytes)
      : context_(context),
        socket_(context, boost::asio::local::stream_protocol(), fd),
        bytes_(std::move(bytes)) {}

  /// The socket belongs to the thread of its context.
  void start() {
    boost::asio::post(context_, [self = shared_from_this()] {
      boost::asio::async_write(self->socket_, boost::asio::buffer(self->bytes_),
                               [self](const auto&, std::size_t) { self->bytes_.clear(); });
    });
  }
  void close() {
    boost::asio::post(context_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->socket_.close(ignored);
    });
  }

private:
  boost::asio::io_context& context_;
  boost::asio::local::stream_protocol::socket socket_;
  std::string bytes_;
};

} // namespace

core::result<container_input> make_container_input(boost::asio::io_context& context,
                                                   std::string bytes) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return core::fail(io::errno_error("socketpair for a container", errno));
  auto inner = std::make_shared<const io::unique_fd>(ends[1]);
  auto outer = std::make_shared<child_input>(context, ends[0], std::move(bytes));
  outer->start();
  return container_input{std::shared_ptr<void>(outer.get(), [outer](void*) { outer->close(); }),
                         std::move(inner)};
}

} // namespace maze::actors
