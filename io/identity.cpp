#include "maze/io/identity.hpp"

#include "maze/core/permission_list.hpp"
#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::io {

namespace {

constexpr std::string_view scheme = "maze://";
constexpr std::string_view permit = "?permit=";

std::string replaced(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

std::string_view to_string(node_role x) noexcept {
  switch (x) {
  case node_role::master:
    return "master";
  case node_role::worker:
    return "worker";
  case node_role::client:
    return "client";
  }
  return "unknown";
}

std::optional<node_role> node_role_from_string(std::string_view name) noexcept {
  for (const auto role : {node_role::master, node_role::worker, node_role::client})
    if (to_string(role) == name)
      return role;
  return std::nullopt;
}

bool is_known(node_role x) noexcept {
  return x == node_role::master || x == node_role::worker || x == node_role::client;
}

std::string to_string(const cluster_id& x) { return core::to_string(x.bits); }

std::optional<cluster_id> cluster_id_from_string(std::string_view text) {
  const auto bits = core::digest_from_string(text);
  return bits ? std::optional(cluster_id{*bits}) : std::nullopt;
}

std::string to_string(const node_identity& x) {
  return fmt::format("{} {}", to_string(x.role), core::printable(x.name));
}

core::result<void> check_node_name(std::string_view name) {
  constexpr std::size_t length_max = 64;
  if (!name.empty() && name.size() <= length_max && is_alphanumeric(name.front())
      && std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; }))
    return {};
  return core::fail(core::errc::invalid_argument,
                    fmt::format("the node name '{}' is not allowed: 1 to {} letters, digits, '.', "
                                "'_' and '-', beginning with a letter or digit",
                                core::printable(name.substr(0, length_max)), length_max));
}

std::string to_uri(const certified_identity& x) {
  std::string out = fmt::format("{}{}/{}/{}", scheme, to_string(x.who.cluster),
                                to_string(x.who.role), x.who.name);
  if (x.permitted != core::permission_set::all())
    // OpenSSL takes a comma for the end of the name.
    out += std::string(permit) + replaced(core::to_list(x.permitted), ',', '+');
  return out;
}

std::optional<certified_identity> identity_from_uri(std::string_view uri) {
  const auto whole = uri;
  certified_identity out;
  if (const auto query = uri.find(permit); query != std::string_view::npos) {
    const auto permitted = core::permissions_from_list(
        replaced(std::string(uri.substr(query + permit.size())), '+', ','));
    if (!permitted)
      return std::nullopt;
    out.permitted = *permitted;
    uri = uri.substr(0, query);
  }
  if (!uri.starts_with(scheme))
    return std::nullopt;
  uri.remove_prefix(scheme.size());
  const auto first = uri.find('/');
  const auto second = first == std::string_view::npos ? first : uri.find('/', first + 1);
  if (second == std::string_view::npos)
    return std::nullopt;
  const auto cluster = cluster_id_from_string(uri.substr(0, first));
  const auto role = node_role_from_string(uri.substr(first + 1, second - first - 1));
  const auto name = uri.substr(second + 1);
  if (!cluster || !role || !check_node_name(name))
    return std::nullopt;
  out.who = {.role = *role, .name = std::string(name), .cluster = *cluster};
  // One way to write each: no other order, no `all`.
  return to_uri(out) == whole ? std::optional(std::move(out)) : std::nullopt;
}

} // namespace maze::io
