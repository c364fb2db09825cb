#include "maze/io/connector.hpp"

#include "maze/io/handshake.hpp"
#include "maze/io/socket_address.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace maze::io {

namespace {

using core::errc;
using clock = std::chrono::steady_clock;

core::error failed(const endpoint& to, errc code, std::string_view text) {
  return {.code = code, .message = fmt::format("cannot connect to {}: {}", to_string(to), text)};
}

core::error late(const endpoint& to, core::duration timeout, std::string_view text) {
  return failed(to, errc::transfer_error,
                fmt::format("no connection within {}: {}", core::to_string(timeout), text));
}

core::error unreachable(const endpoint& to, int number) {
  const auto reason = errno_error("connect", number).message;
  switch (number) {
  case ECONNREFUSED:
  case ENOENT:
    return failed(to, errc::not_found,
                  reason + "; nobody listens there: start the node, or check the endpoint");
  case EHOSTUNREACH:
  case ENETUNREACH:
    return failed(to, errc::io_error,
                  reason + "; there is no route: check the address and the network");
  case EACCES:
  case EPERM:
    return failed(to, errc::permission_denied,
                  reason
                      + "; only the user who started the node may use its socket, and firewalls "
                        "may forbid a port");
  case ETIMEDOUT:
    return failed(to, errc::transfer_error,
                  reason + "; no answer: check the address and firewalls");
  case EAGAIN:
    return failed(to, errc::transfer_error,
                  reason + "; too many wait for the node already: try again");
  default:
    return failed(to, errno_error("connect", number).code, reason);
  }
}

core::result<unique_fd> open_socket(const endpoint& to, const socket_address& address,
                                    deadline until, core::duration timeout) {
  unique_fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd)
    return core::fail(errno_error("make a socket", errno));
  int number = ::connect(fd.get(), address.data(), address.length) == 0 ? 0 : errno;
  if (number == EINPROGRESS || number == EINTR) {
    if (!wait_for(fd.get(), true, until))
      return core::fail(late(to, timeout, "no answer; check the address and firewalls"));
    socklen_t length = sizeof number;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &length) != 0)
      number = errno;
  }
  if (number != 0)
    return core::fail(unreachable(to, number));
  const int one = 1;
  if (address.family() != AF_UNIX)
    static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
  return fd;
}

/// A host may have addresses that do not answer: each gets its share of the time that is left.
core::result<unique_fd> open_any(const endpoint& to, const std::vector<socket_address>& addresses,
                                 deadline until, core::duration timeout) {
  core::result<unique_fd> last = core::fail(unreachable(to, ENETUNREACH));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto left = until - clock::now();
    last = open_socket(to, addresses[i],
                       clock::now() + left / static_cast<int>(addresses.size() - i), timeout);
    if (last)
      break;
  }
  return last;
}

core::result<void> check_user(const endpoint& to, int fd) {
  ucred who{};
  socklen_t length = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0)
    return core::fail(errno_error("ask who listens on " + to_string(to), errno));
  if (who.uid == ::geteuid() || who.uid == 0)
    return {};
  return core::fail(failed(to, errc::permission_denied,
                           fmt::format("user {} listens there, this process runs as user {}; use "
                                       "a node of the same user",
                                       who.uid, ::geteuid())));
}

core::result<void> check_peer(const endpoint& to, const node_identity& who,
                              const connect_settings& wanted) {
  const bool right = (!wanted.peer_role || *wanted.peer_role == who.role)
                     && (!wanted.peer_name || *wanted.peer_name == who.name);
  if (right)
    return {};
  return core::fail(
      failed(to, errc::permission_denied,
             fmt::format("{} listens there, not {} {}; check the endpoint", to_string(who),
                         wanted.peer_role ? to_string(*wanted.peer_role) : "node",
                         wanted.peer_name.value_or("of that kind"))));
}

core::result<connection> shake_hands(const endpoint& to, const connect_settings& settings,
                                     handshake& hands, deadline until) {
  for (;;) {
    const auto step = hands.advance();
    if (step == handshake_step::done)
      break;
    if (step == handshake_step::failed) {
      const auto& fault = hands.fault();
      const bool silent = fault.why == refusal::hung_up && fault.what.code == errc::transfer_error;
      return core::fail(failed(to, fault.what.code,
                               silent ? fault.what.message
                                            + "; it is overloaded, or no maze node: try again, or "
                                              "check the endpoint"
                                      : fault.what.message));
    }
    if (!wait_for(hands.fd(), step == handshake_step::wants_write, until))
      return core::fail(late(to, settings.timeout,
                             fmt::format("{}; is a maze node behind it?", hands.stage_text())));
  }
  auto made = hands.take();
  if (auto fine = check_peer(to, made.peer.who, settings); !fine)
    return core::fail(fine.error());
  return made;
}

} // namespace

core::result<connection> connect(const endpoint& to, const connect_settings& settings) {
  const auto until = clock::now() + settings.timeout;
  const bool local = std::holds_alternative<unix_endpoint>(to);
  if (!local) {
    if (settings.tls == nullptr)
      return core::fail(failed(to, errc::invalid_argument,
                               "TCP is encrypted, and there are no credentials; use a join file"));
    if (auto fine = settings.tls->check_time(std::chrono::system_clock::now()); !fine)
      return core::fail(failed(to, fine.error().code, fine.error().message));
  }
  const auto addresses = resolve(to, false, until);
  if (!addresses)
    return core::fail(failed(to, addresses.error().code, addresses.error().message));
  auto fd = open_any(to, *addresses, until, settings.timeout);
  if (!fd)
    return core::fail(fd.error());
  if (local)
    if (auto fine = check_user(to, fd->get()); !fine)
      return core::fail(fine.error());
  const handshake_settings rules{.own = settings.own, .tls = local ? nullptr : settings.tls};
  auto hands = handshake::start(std::move(*fd), tls_side::connects, rules, to_string(to));
  if (!hands)
    return core::fail(failed(to, hands.error().code, hands.error().message));
  return shake_hands(to, settings, **hands, until);
}

} // namespace maze::io
