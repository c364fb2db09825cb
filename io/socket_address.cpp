#include "maze/io/socket_address.hpp"

#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <system_error>
#include <thread>

namespace maze::io {

namespace {

using core::errc;

struct found {
  int code = 0;
  /// errno, for EAI_SYSTEM.
  int number = 0;
  std::vector<socket_address> all;
};

/// A look-up that may outlive the one who asked: the system's resolver cannot be cancelled.
struct look_up {
  std::mutex guards_answer;
  std::condition_variable answered;
  std::optional<found> answer;
};

found ask(const tcp_endpoint& x, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  found out;
  out.code = ::getaddrinfo(x.host.c_str(), std::to_string(x.port).c_str(), &hints, &raw);
  out.number = errno;
  const std::unique_ptr<addrinfo, decltype([](addrinfo* list) { ::freeaddrinfo(list); })> list(
      out.code == 0 ? raw : nullptr);
  constexpr std::size_t addresses_max = 16;
  for (const auto* one = list.get(); one != nullptr && out.all.size() < addresses_max;
       one = one->ai_next) {
    auto& address = out.all.emplace_back();
    address.length = std::min<socklen_t>(one->ai_addrlen, sizeof address.storage);
    std::memcpy(&address.storage, one->ai_addr, address.length);
  }
  return out;
}

core::result<std::vector<socket_address>> judge(const tcp_endpoint& x, found answer) {
  if (answer.code == 0 && !answer.all.empty())
    return std::move(answer.all);
  if (answer.code == EAI_SYSTEM)
    return core::fail(errno_error("look up the host " + x.host, answer.number));
  return core::fail(
      errc::not_found,
      fmt::format("the host {} is not known ({}); check its name, or write its address", x.host,
                  ::gai_strerror(answer.code)));
}

core::result<std::vector<socket_address>> resolve_name(const tcp_endpoint& x, int flags,
                                                       deadline until) {
  const auto shared = std::make_shared<look_up>();
  try {
    std::thread([shared, x, flags] {
      auto answer = ask(x, flags);
      const std::lock_guard lock(shared->guards_answer);
      shared->answer = std::move(answer);
      shared->answered.notify_all();
    }).detach();
  } catch (const std::system_error& why) {
    return core::fail(errc::resource_exhausted,
                      fmt::format("no thread to look up the host {}: {}", x.host, why.what()));
  }
  std::unique_lock lock(shared->guards_answer);
  if (!shared->answered.wait_until(lock, until, [&] { return shared->answer.has_value(); }))
    return core::fail(errc::transfer_error,
                      fmt::format("looking up the host {} took too long; check the name service, "
                                  "or write its address",
                                  x.host));
  return judge(x, std::move(*shared->answer));
}

socket_address unix_address(const unix_endpoint& x) {
  sockaddr_un raw{};
  raw.sun_family = AF_UNIX;
  std::memcpy(raw.sun_path, x.path.data(), std::min(x.path.size(), socket_path_max));
  socket_address out;
  out.length = sizeof raw;
  std::memcpy(&out.storage, &raw, sizeof raw);
  return out;
}

in6_addr ipv6_of(const socket_address& x) {
  return reinterpret_cast<const sockaddr_in6*>(&x.storage)->sin6_addr;
}

} // namespace

core::result<std::vector<socket_address>> resolve(const endpoint& x, bool listen, deadline until) {
  if (const auto* local = std::get_if<unix_endpoint>(&x)) {
    if (local->path.empty() || local->path.size() > socket_path_max)
      return core::fail(errc::limit_exceeded,
                        fmt::format("the socket path {} has {} bytes, the system allows 1 to {}",
                                    local->path, local->path.size(), socket_path_max));
    return std::vector{unix_address(*local)};
  }
  const auto& remote = std::get<tcp_endpoint>(x);
  const int flags = listen ? AI_PASSIVE : 0;
  // Addresses need no name service, and so no thread.
  auto numeric = ask(remote, flags | AI_NUMERICHOST);
  if (numeric.code != EAI_NONAME)
    return judge(remote, std::move(numeric));
  return resolve_name(remote, flags, until);
}

tcp_endpoint to_tcp_endpoint(const socket_address& x) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (x.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&x.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return {.host = text.data(), .port = ntohs(v4->sin_port)};
  }
  const auto raw = ipv6_of(x);
  if (IN6_IS_ADDR_V4MAPPED(&raw))
    ::inet_ntop(AF_INET, &raw.s6_addr[12], text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, &raw, text.data(), text.size());
  return {.host = text.data(),
          .port = ntohs(reinterpret_cast<const sockaddr_in6*>(&x.storage)->sin6_port)};
}

std::string origin_of(const socket_address& x) {
  const auto raw = x.family() == AF_INET6 ? ipv6_of(x) : in6_addr{};
  if (x.family() != AF_INET6 || IN6_IS_ADDR_V4MAPPED(&raw))
    return to_tcp_endpoint(x).host;
  constexpr std::size_t network_size = 8;
  return {reinterpret_cast<const char*>(&raw), network_size};
}

} // namespace maze::io
