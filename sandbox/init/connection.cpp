#include "maze/sandbox/init/connection.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <utility>

namespace maze::sandbox::init {

packet::~packet() {
  if (mapping_ != nullptr)
    ::munmap(mapping_, mapping_size_);
}

bool packet::map_body() {
  if (fds_.empty())
    return false;
  // The body is not the child's business.
  const io::unique_fd body = std::move(fds_.back());
  fds_.pop_back();
  const int fd = body.get();
  struct stat about {};
  // Sealed, because a body that shrinks while it is read would end this process with SIGBUS.
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_WRITE;
  if (::fstat(fd, &about) != 0 || about.st_size <= 0
      || static_cast<std::size_t>(about.st_size) > protocol::body_max
      || (::fcntl(fd, F_GET_SEALS) & seals) != seals)
    return false;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (memory == MAP_FAILED)
    return false;
  mapping_ = memory;
  mapping_size_ = size;
  body_ = static_cast<char*>(memory);
  size_ = size;
  return true;
}

std::unique_ptr<packet> packet::take() {
  auto out = std::make_unique<packet>();
  out->kind_ = kind_;
  out->fds_ = std::move(fds_);
  out->mapping_ = std::exchange(mapping_, nullptr);
  out->mapping_size_ = mapping_size_;
  if (out->mapping_ == nullptr)
    out->kept_.assign(body_, size_);
  out->body_ = out->mapping_ == nullptr ? out->kept_.data() : body_;
  out->size_ = size_;
  return out;
}

connection::connection(io::unique_fd socket)
    : socket_(std::move(socket)), buffer_(protocol::packet_max) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

connection::outcome connection::receive(packet& into) {
  iovec part{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * protocol::descriptors_max)];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    return outcome::nothing_yet;
  if (count <= 0)
    return outcome::closed;
  into.fds_.clear();
  for (auto* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    const std::size_t held = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < held; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      into.fds_.emplace_back(fd);
    }
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return outcome::closed;
  into.kind_ = static_cast<protocol::message_kind>(buffer_[0]);
  into.body_ = buffer_.data() + 1;
  into.size_ = static_cast<std::size_t>(count) - 1;
  if (into.kind_ != protocol::message_kind::launch_memfd)
    return outcome::received;
  return into.map_body() ? outcome::received : outcome::closed;
}

void connection::send(std::string message) {
  waiting_.push_back(std::move(message));
  flush();
}

bool connection::flush() {
  while (!waiting_.empty()) {
    const auto& next = waiting_.front();
    if (::send(socket_.get(), next.data(), next.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      // A closed socket shows itself on the reading side, where it ends the loop.
      if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
        return false;
      waiting_.clear();
      return true;
    }
    waiting_.pop_front();
  }
  return true;
}

} // namespace maze::sandbox::init
