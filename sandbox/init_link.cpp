#include "maze/sandbox/init_link.hpp"

#include "maze/io/memory_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace maze::sandbox {
init_link::init_link(boost::asio::io_context& context, init_process process)
    : process_(std::move(process)), socket_(context), buffer_(protocol::packet_max) {
  auto fd = process_.take_socket();
  const int flags = ::fcntl(fd.get(), F_GETFL);
  ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  socket_.assign(fd.release());
}

init_link::~init_link() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  process_.wait();
}

void init_link::send(outgoing message) {
  waiting_.push_back(std::move(message));
  flush();
}

bool init_link::flush() {
  while (!waiting_.empty() && send_now(waiting_.front()))
    waiting_.pop_front();
  return waiting_.empty();
}

bool init_link::send_now(const outgoing& message) {
  auto kind = message.kind;
  std::array<int, protocol::descriptors_max> fds{};
  std::size_t held = 0;
  for (const auto& each : message.descriptors)
    fds.at(held++) = each->get();
  io::unique_fd memory;
  if (message.body.size() + sizeof kind > protocol::packet_max) {
    auto made = io::make_sealed_file("maze-request", message.body);
    if (!made)
      return made.error().code != core::errc::resource_exhausted;
    memory = std::move(*made);
    kind = protocol::message_kind::launch_memfd;
    fds.at(held++) = memory.get();
  }
  std::array<iovec, 2> parts{iovec{&kind, sizeof kind},
                             iovec{const_cast<char*>(message.body.data()), message.body.size()}};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = memory ? 1 : 2;
  if (held > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * held);
    auto* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * held);
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * held);
  }
  // Any other failure means that maze-init is gone, which the reading side finds out.
  return ::sendmsg(socket_.native_handle(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0
         || (errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ETOOMANYREFS);
}

std::span<char> init_link::receive() {
  const auto count = ::recv(socket_.native_handle(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (count > 0)
    return {buffer_.data(), static_cast<std::size_t>(count)};
  closed_ = count == 0 || (errno != EAGAIN && errno != EINTR);
  return {};
}

core::result<protocol::hello> await_hello(init_link& link, std::chrono::milliseconds patience) {
  pollfd wanted{link.socket().native_handle(), POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&wanted, 1, static_cast<int>(patience.count()))) < 0 && errno == EINTR) {
  }
  const auto packet = ready > 0 ? link.receive() : std::span<char>{};
  if (packet.empty())
    return core::fail(core::errc::io_error,
                      ready == 0
                          ? fmt::format("maze-init did not answer within {} ms", patience.count())
                          : "maze-init ended before it was ready; its standard error says why",
                      "launch:process");
  protocol::reader in(packet.data() + 1, packet.size() - 1);
  protocol::hello hello;
  if (static_cast<protocol::message_kind>(packet[0]) != protocol::message_kind::hello
      || !protocol::decode(in, hello))
    return core::fail(core::errc::malformed,
                      fmt::format("maze-init does not speak version {} of its protocol: it and "
                                  "maze-node come from different builds",
                                  protocol::version),
                      "launch:process");
  return hello;
}

} // namespace maze::sandbox
