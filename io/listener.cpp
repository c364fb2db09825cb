#include "maze/io/listener.hpp"

#include "maze/io/private_files.hpp"
#include "maze/io/socket_address.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

using core::errc;

/// Connections that the kernel holds until they are accepted; it caps the number itself.
constexpr int backlog = 1024;

unique_fd make_socket(int family) {
  return unique_fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void set(int fd, int level, int option, int x) {
  // Each is an improvement, none a condition.
  static_cast<void>(::setsockopt(fd, level, option, &x, sizeof x));
}

core::error failed(std::string_view call, const endpoint& at, int number) {
  auto what = errno_error(fmt::format("{} {}", call, to_string(at)), number);
  if (number == EADDRINUSE) {
    what.code = errc::already_exists;
    what.message += "; another process listens there: stop it or choose another port";
  } else if (number == EADDRNOTAVAIL) {
    what.message += "; this machine has no such address";
  } else if (number == EACCES) {
    what.code = errc::permission_denied;
    what.message += "; ports below 1024 are for root";
  }
  return what;
}

/// Removes what a dead process left; fails when it is alive or no socket.
core::result<void> clear_way(const unix_endpoint& local, const socket_address& address) {
  struct stat status {};
  if (::lstat(local.path.c_str(), &status) != 0)
    return {};
  if (!S_ISSOCK(status.st_mode))
    return core::fail(
        errc::already_exists,
        fmt::format("{} is there and no socket; remove it or choose another path", local.path));
  const auto probe = make_socket(AF_UNIX);
  if (!probe)
    return core::fail(errno_error("socket", errno));
  if (::connect(probe.get(), address.data(), address.length) == 0 || errno != ECONNREFUSED)
    return core::fail(
        errc::already_exists,
        fmt::format("another process listens on {}; stop it or choose another path", local.path));
  if (::unlink(local.path.c_str()) != 0 && errno != ENOENT)
    return core::fail(errno_error("remove the dead socket " + local.path, errno));
  return {};
}

core::result<unique_fd> listen_on(const endpoint& at, const socket_address& address) {
  auto fd = make_socket(address.family());
  if (!fd)
    return core::fail(failed("make a socket for", at, errno));
  if (address.family() != AF_UNIX)
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd.get(), address.data(), address.length) != 0)
    return core::fail(failed("bind", at, errno));
  // The folder keeps others out until the socket has its own mode.
  const auto* local = std::get_if<unix_endpoint>(&at);
  if ((local == nullptr || ::chmod(local->path.c_str(), 0600) == 0)
      && ::listen(fd.get(), backlog) == 0)
    return fd;
  const int number = errno;
  if (local != nullptr)
    ::unlink(local->path.c_str());
  return core::fail(failed("listen on", at, number));
}

core::result<unique_fd> listen_on_unix(const unix_endpoint& local, const socket_address& address) {
  const auto folder = std::filesystem::path(local.path).parent_path();
  if (auto opened = open_private_folder(folder); !opened)
    return core::fail(opened.error());
  if (auto clear = clear_way(local, address); !clear)
    return core::fail(clear.error());
  return listen_on(local, address);
}

std::optional<ucred> credentials_of(int fd) {
  ucred who{};
  socklen_t length = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0)
    return std::nullopt;
  return who;
}

} // namespace

core::result<listener> listener::open(const endpoint& at) {
  constexpr auto look_up_max = std::chrono::seconds(10);
  const auto addresses = resolve(at, true, std::chrono::steady_clock::now() + look_up_max);
  if (!addresses)
    return core::fail(addresses.error());
  if (const auto* local = std::get_if<unix_endpoint>(&at)) {
    auto fd = listen_on_unix(*local, addresses->front());
    return fd ? core::result<listener>(listener(std::move(*fd), at)) : core::fail(fd.error());
  }
  auto fd = listen_on(at, addresses->front());
  for (std::size_t i = 1; !fd && i < addresses->size(); ++i)
    fd = listen_on(at, (*addresses)[i]);
  if (!fd)
    return core::fail(fd.error());
  socket_address real;
  real.length = sizeof real.storage;
  if (::getsockname(fd->get(), real.data(), &real.length) != 0)
    return core::fail(failed("getsockname", at, errno));
  auto bound = std::get<tcp_endpoint>(at);
  bound.port = to_tcp_endpoint(real).port;
  return listener(std::move(*fd), std::move(bound));
}

listener::listener(listener&& other) noexcept = default;

listener::~listener() {
  const auto* local = fd_ ? std::get_if<unix_endpoint>(&at_) : nullptr;
  if (local != nullptr)
    ::unlink(local->path.c_str());
}

tl::expected<incoming, int> listener::accept() {
  socket_address from;
  from.length = sizeof from.storage;
  unique_fd fd;
  do {
    fd.reset(::accept4(fd_.get(), from.data(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  } while (!fd && (errno == EINTR || errno == ECONNABORTED));
  if (!fd)
    return tl::unexpected(errno);
  if (std::holds_alternative<tcp_endpoint>(at_)) {
    set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    return incoming{.fd = std::move(fd),
                    .address = to_string(endpoint(to_tcp_endpoint(from))),
                    .origin = origin_of(from),
                    .user = std::nullopt};
  }
  const auto who = credentials_of(fd.get());
  return incoming{.fd = std::move(fd),
                  .address = fmt::format("unix:process {}", who ? who->pid : 0),
                  .origin = fmt::format("process {}", who ? who->pid : 0),
                  // Nobody has this id: such a peer is refused.
                  .user = who ? who->uid : static_cast<uid_t>(-1)};
}

} // namespace maze::io
