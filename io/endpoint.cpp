#include "maze/io/endpoint.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace maze::io {

namespace {

using core::errc;

/// RFC 1035, section 2.3.4, less the final dot's byte; scoped IPv6 addresses are shorter.
constexpr std::size_t host_length_max = 253;

tl::unexpected<core::error> wrong(std::string_view text, std::string_view why) {
  constexpr std::size_t shown_max = 200;
  return core::fail(errc::invalid_argument,
                    fmt::format("the endpoint '{}' {}; write unix:/path or tcp:host:port",
                                core::printable(text.substr(0, shown_max)), why));
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= host_length_max
         && std::all_of(host.begin(), host.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                     || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
            });
}

core::result<endpoint> parse_unix(std::string_view text, std::string_view path) {
  if (!path.starts_with('/'))
    return wrong(text, "has no absolute path");
  if (path.find('\0') != std::string_view::npos)
    return wrong(text, "has a zero byte in its path");
  if (path.size() > socket_path_max)
    return core::fail(errc::limit_exceeded,
                      fmt::format("the socket path {} has {} bytes, the system allows {}; choose a "
                                  "shorter folder",
                                  core::printable(path.substr(0, socket_path_max)), path.size(),
                                  socket_path_max));
  return unix_endpoint{std::string(path)};
}

core::result<endpoint> parse_tcp(std::string_view text, std::string_view rest) {
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos)
    return wrong(text, "has no port");
  auto host = rest.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  if (!is_host(host))
    return wrong(text, "has no valid host");
  if (!bracketed && host.find(':') != std::string_view::npos)
    return wrong(text, "has an IPv6 address without brackets");
  const auto digits = rest.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || fault != std::errc() || end != digits.data() + digits.size())
    return wrong(text, "has a port that is no number from 0 to 65535");
  return tcp_endpoint{.host = std::string(host), .port = port};
}

} // namespace

core::result<endpoint> parse_endpoint(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  constexpr std::string_view tcp_prefix = "tcp:";
  if (text.starts_with(unix_prefix))
    return parse_unix(text, text.substr(unix_prefix.size()));
  if (text.starts_with(tcp_prefix))
    return parse_tcp(text, text.substr(tcp_prefix.size()));
  return wrong(text, "names no kind");
}

std::string to_string(const endpoint& x) {
  if (const auto* local = std::get_if<unix_endpoint>(&x))
    return "unix:" + local->path;
  const auto& [host, port] = std::get<tcp_endpoint>(x);
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "tcp:[{}]:{}" : "tcp:{}:{}"), host, port);
}

bool is_wildcard(const endpoint& x) {
  const auto* tcp = std::get_if<tcp_endpoint>(&x);
  return tcp != nullptr && (tcp->host == "0.0.0.0" || tcp->host == "::");
}

} // namespace maze::io
