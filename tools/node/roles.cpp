#include "node/roles.hpp"

#include "maze/core/permission_list.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace maze::node {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

core::result<void> add_role(std::string_view text, permission_roles& to) {
  const auto equals = text.find('=');
  const std::string name(trimmed(text.substr(0, equals)));
  if (equals == std::string_view::npos || !io::check_node_name(name))
    return core::fail(core::errc::invalid_argument,
                      fmt::format("'{}' is not of the form analyst=read_files,network_access",
                                  core::printable(text.substr(0, 64))));
  const auto permitted = core::permissions_from_list(trimmed(text.substr(equals + 1)));
  if (!permitted)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("role '{}': {}", name, permitted.error().message));
  if (!to.emplace(name, *permitted).second)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("the role '{}' is there twice", name));
  return {};
}

} // namespace

core::result<permission_roles> read_roles(const std::string& text) {
  permission_roles out;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(';', start), text.size());
    if (auto added = add_role(trimmed(std::string_view(text).substr(start, end - start)), out);
        !added)
      return core::fail(added.error());
    start = end + 1;
  }
  return out;
}

core::result<core::permission_set> find_role(const permission_roles& roles,
                                             const std::string& name) {
  if (const auto found = roles.find(name); found != roles.end())
    return found->second;
  std::vector<std::string_view> names;
  for (const auto& [each, permitted] : roles)
    names.emplace_back(each);
  return core::fail(core::errc::invalid_argument,
                    names.empty() ? fmt::format(
                        "there is no role '{}': the setting 'roles' gives them names, for example "
                        "roles: \"analyst=read_files,network_access; ops=all\"",
                        core::printable(name))
                                  : fmt::format("there is no role '{}'; {}", core::printable(name),
                                                core::did_you_mean(name, names, "the roles are")),
                    "join-file");
}

} // namespace maze::node
