#include "maze/core/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): every seed gives a full-period sequence.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Short enough to type: eight base-32 digits.
constexpr std::uint64_t run_id_mask = (std::uint64_t{1} << 40) - 1;

} // namespace

result<cluster::submitted> cluster::submit(std::string_view name, std::string_view client_id) {
  if (const auto known = by_client_.find(client_id); known != by_client_.end()) {
    const run_record& first = runs_.at(known->second);
    if (first.name != name)
      return fail(
          errc::invalid_argument,
          fmt::format("the submit id '{}' belongs to a run of '{}', not of '{}': make a new "
                      "id for each run",
                      client_id, first.name, name),
          "submit");
    return submitted{known->second, false};
  }
  run_id run;
  do
    run.value = mix(mix(seed_) + ++minted_) & run_id_mask;
  while (run.value == 0 || runs_.contains(run));
  runs_.emplace(run, run_record{std::string(name), std::string(client_id), run_state::accepted});
  if (!client_id.empty())
    by_client_.emplace(client_id, run);
  return submitted{run, true};
}

result<node_id> cluster::join(std::string_view name, const resources& total) {
  if (total.cpu_millis == 0)
    return fail(errc::invalid_argument,
                fmt::format("node '{}' offers no cores: give it at least 0.001", name), "join");
  const bool taken = std::any_of(members_.begin(), members_.end(),
                                 [&](const auto& m) { return m.second.name == name; });
  if (taken)
    return fail(errc::already_exists,
                fmt::format("a node named '{}' is already a member: choose another --name", name),
                "join");
  const node_id node{next_node_++};
  members_.emplace(node, member{std::string(name), total});
  return node;
}

bool cluster::leave(node_id node) { return members_.erase(node) == 1; }

result<void> cluster::run_changed(run_id run, run_state state) {
  const auto found = runs_.find(run);
  if (found == runs_.end())
    return fail(errc::not_found, fmt::format("there is no run {:x}", run.value), "master");
  if (!may_become(found->second.state, state))
    return fail(errc::stale,
                fmt::format("run {:x} is {} and cannot become {}", run.value,
                            to_string(found->second.state), to_string(state)),
                "master");
  found->second.state = state;
  return {};
}

bool cluster::forget(run_id run) {
  const auto found = runs_.find(run);
  if (found == runs_.end() || !is_terminal(found->second.state))
    return false;
  if (!found->second.client_id.empty())
    by_client_.erase(found->second.client_id);
  runs_.erase(found);
  return true;
}

} // namespace maze::core
