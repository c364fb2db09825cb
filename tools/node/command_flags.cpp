#include "maze/core/permission_list.hpp"
#include "maze/core/submission_form.hpp"
#include "node/command_rules.hpp"

#include <fmt/format.h>

#include <charconv>

namespace maze::node {

namespace {

tl::unexpected<core::error> wrong(std::string_view flag, const std::string& text,
                                  std::string_view what) {
  return core::fail(core::errc::invalid_argument,
                    fmt::format("flag --{}: '{}' is not {}", flag, text, what));
}

core::result<void> read_number(const flag_texts& said, std::string_view flag, std::uint32_t max,
                               std::uint32_t& into) {
  const auto text = said.find(flag);
  if (text == said.end())
    return {};
  const auto* end = text->second.data() + text->second.size();
  const auto [stop, fault] = std::from_chars(text->second.data(), end, into);
  if (fault != std::errc{} || stop != end || into == 0 || into > max)
    return wrong(flag, text->second, fmt::format("a whole number from 1 to {}", max));
  return {};
}

core::result<void> read_role(const flag_texts& said, command_flags& into) {
  const auto role = said.find("role");
  if (role == said.end())
    return {};
  if (role->second == "both")
    into.role = start_role::both;
  else if (role->second == "master")
    into.role = start_role::master;
  else if (role->second == "worker")
    into.role = start_role::worker;
  else
    return wrong("role", role->second, "both, master or worker");
  return {};
}

core::result<void> read_join_file(const flag_texts& said, command_flags::join_file_request& into) {
  if (const auto role = said.find("for"); role != said.end()) {
    if (role->second != "worker" && role->second != "client")
      return wrong("for", role->second, "worker or client");
    into.role = role->second == "worker" ? io::node_role::worker : io::node_role::client;
  }
  if (const auto text = said.find("address"); text != said.end()) {
    auto at = io::parse_endpoint(text->second);
    if (!at)
      return core::fail(core::errc::invalid_argument,
                        fmt::format("flag --address: {}", at.error().message));
    if (!std::holds_alternative<io::tcp_endpoint>(*at))
      return wrong("address", text->second, "an endpoint in a network such as tcp:10.0.0.1:4242");
    into.addresses.push_back(std::move(*at));
  }
  if (const auto text = said.find("file"); text != said.end()) {
    if (text->second.empty())
      return wrong("file", text->second, "a path");
    into.file = text->second;
  }
  if (const auto text = said.find("permit"); text != said.end()) {
    const auto permitted = core::permissions_from_list(text->second);
    if (!permitted)
      return core::fail(core::errc::invalid_argument,
                        fmt::format("flag --permit: {}", permitted.error().message));
    into.permitted = *permitted;
  }
  if (const auto role = said.find("as"); role != said.end()) {
    if (said.contains("permit"))
      return core::fail(core::errc::invalid_argument,
                        "--as and --permit exclude each other: a role says what is permitted");
    into.as = role->second;
  }
  return read_number(said, "days", 3650, into.days);
}

core::result<void> read_gateway(const flag_texts& said, command_flags::gateway_request& into) {
  into.read_only = said.contains("read-only");
  if (const auto text = said.find("token-file"); text != said.end()) {
    if (text->second.empty())
      return wrong("token-file", text->second, "a path");
    into.token_file = text->second;
  }
  if (const auto text = said.find("port"); text != said.end()) {
    const auto* end = text->second.data() + text->second.size();
    const auto [stop, fault] = std::from_chars(text->second.data(), end, into.port);
    if (fault != std::errc{} || stop != end)
      return wrong("port", text->second, "a whole number from 0 to 65535");
  }
  return {};
}

} // namespace

core::result<command_flags> read_flags(const flag_texts& said) {
  command_flags out;
  const auto switch_of = [&](std::string_view name) {
    const auto found = said.find(name);
    return found != said.end() && found->second == "true";
  };
  out.detach = switch_of("detach");
  out.wait = switch_of("wait");
  out.standard_error = switch_of("stderr");
  out.follow = switch_of("follow");
  out.history = switch_of("history");
  out.all = switch_of("all");
  out.until_eof = switch_of("until-eof");
  if (const auto id = said.find("id"); id != said.end()) {
    if (id->second.empty() || id->second.size() > core::client_id_max)
      return wrong("id", id->second, "an id of 1 to 128 bytes");
    out.id = id->second;
  }
  for (const auto& read : {read_number(said, "attempt", 0xffffffff, out.attempt),
                           read_number(said, "workers", 256, out.workers), read_role(said, out),
                           read_join_file(said, out.join_file), read_gateway(said, out.gateway)})
    if (!read)
      return core::fail(read.error());
  return out;
}

} // namespace maze::node
