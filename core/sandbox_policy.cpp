#include "maze/core/sandbox_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace maze::core {

namespace {

/// One part: how it is copied, and which levels can have it.
struct part_rule {
  sandbox_part part;
  sandbox_level least;
  void (*copy)(sandbox_spec& to, const sandbox_spec& from);
  sandbox_level most = sandbox_level::container;

  [[nodiscard]] constexpr bool is_for(sandbox_level level) const noexcept {
    return level >= least && level <= most;
  }
};

template <auto Member>
void copy_part(sandbox_spec& to, const sandbox_spec& from) {
  to.*Member = from.*Member;
}

/// `level` first: it says what else a sandbox can have.
constexpr std::array part_rules{
    part_rule{sandbox_part::level, sandbox_level::none, copy_part<&sandbox_spec::level>},
    part_rule{sandbox_part::timeout, sandbox_level::none, copy_part<&sandbox_spec::wall_time>},
    part_rule{sandbox_part::cpu_time, sandbox_level::subprocess,
              copy_part<&sandbox_spec::cpu_time>},
    part_rule{sandbox_part::memory, sandbox_level::subprocess, copy_part<&sandbox_spec::memory>},
    part_rule{sandbox_part::cpu_share, sandbox_level::subprocess,
              copy_part<&sandbox_spec::cpu_share>},
    part_rule{sandbox_part::address_space, sandbox_level::subprocess,
              copy_part<&sandbox_spec::address_space>},
    part_rule{sandbox_part::file_size, sandbox_level::subprocess,
              copy_part<&sandbox_spec::file_size>},
    part_rule{sandbox_part::disk, sandbox_level::subprocess, copy_part<&sandbox_spec::disk>},
    part_rule{sandbox_part::open_files, sandbox_level::subprocess,
              copy_part<&sandbox_spec::open_files>},
    part_rule{sandbox_part::processes, sandbox_level::subprocess,
              copy_part<&sandbox_spec::processes>},
    part_rule{sandbox_part::network, sandbox_level::seccomp, copy_part<&sandbox_spec::network>},
    part_rule{sandbox_part::filesystem, sandbox_level::seccomp,
              copy_part<&sandbox_spec::filesystem>},
    part_rule{sandbox_part::readable, sandbox_level::seccomp, copy_part<&sandbox_spec::readable>},
    part_rule{sandbox_part::writable, sandbox_level::seccomp, copy_part<&sandbox_spec::writable>},
    part_rule{sandbox_part::syscalls, sandbox_level::seccomp, copy_part<&sandbox_spec::syscalls>},
    part_rule{sandbox_part::environment, sandbox_level::none, copy_part<&sandbox_spec::variables>},
    part_rule{sandbox_part::imports, sandbox_level::none, copy_part<&sandbox_spec::imports>},
    part_rule{sandbox_part::degrade, sandbox_level::none, copy_part<&sandbox_spec::degrade>},
    part_rule{sandbox_part::image, sandbox_level::container, copy_part<&sandbox_spec::image>},
    part_rule{sandbox_part::temporary, sandbox_level::container,
              copy_part<&sandbox_spec::temporary>},
    part_rule{sandbox_part::reuse, sandbox_level::container, copy_part<&sandbox_spec::reuse>},
    part_rule{sandbox_part::violation, sandbox_level::seccomp,
              copy_part<&sandbox_spec::kill_on_violation>, sandbox_level::seccomp},
};

tl::unexpected<error> beyond(std::string why) {
  return fail(errc::permission_denied, "sandbox: " + std::move(why), "submit");
}

std::string text_of(duration x) { return to_string(x); }
std::string text_of(byte_count x) { return to_string(x); }
std::string text_of(std::uint64_t x) { return std::to_string(x); }

/// Holds each limit to its bound.
class limit_holder {
public:
  limit_holder(sandbox_spec& sandbox, const sandbox_options& bounds)
      : sandbox_(sandbox), bounds_(bounds) {}

  template <class T>
  void hold(sandbox_part which, std::optional<T> sandbox_spec::*limit) {
    const std::optional<T>& most = bounds_.values.*limit;
    std::optional<T>& asked = sandbox_.*limit;
    if (!bounds_.said.has(which) || !most)
      return;
    if (asked && *asked > *most && done)
      done = beyond(fmt::format("`{}` of {} is more than this cluster allows: at most {}",
                                to_string(which), text_of(*asked), text_of(*most)));
    asked = asked.value_or(*most);
    // Children of level `none` have no limits but that of time.
    if (which != sandbox_part::timeout)
      sandbox_.level = std::max(sandbox_.level, sandbox_level::subprocess);
  }

  result<void> done;

private:
  sandbox_spec& sandbox_;
  const sandbox_options& bounds_;
};

/// Programs hand tasks in without saying what they wrote.
sandbox_parts written_of(const task_spec& task) {
  sandbox_parts out{task.written.sandbox.bits | parts_of(task.sandbox).bits};
  if (!std::holds_alternative<python_action>(task.action))
    out.add(sandbox_part::imports);
  return out;
}

} // namespace

void fill(sandbox_spec& sandbox, sandbox_parts& written, const sandbox_options& defaults) {
  for (const part_rule& rule : part_rules)
    if (defaults.said.has(rule.part) && !written.has(rule.part) && rule.is_for(sandbox.level)) {
      rule.copy(sandbox, defaults.values);
      written.add(rule.part);
    }
}

void fill(task_spec& task, const sandbox_options& defaults) {
  if (defaults.said == sandbox_parts{})
    return;
  sandbox_parts written = written_of(task);
  fill(task.sandbox, written, defaults);
  task.written.sandbox = written;
}

result<void> check_bounds(const sandbox_options& bounds) {
  constexpr std::array unbounded{sandbox_part::filesystem,  sandbox_part::readable,
                                 sandbox_part::writable,    sandbox_part::syscalls,
                                 sandbox_part::environment, sandbox_part::imports,
                                 sandbox_part::degrade,     sandbox_part::image,
                                 sandbox_part::reuse,       sandbox_part::violation};
  for (const sandbox_part each : unbounded)
    if (bounds.said.has(each))
      return fail(errc::invalid_argument,
                  fmt::format("`{}` cannot be a bound: these are `level`, `network: false` and "
                              "limits such as `memory`",
                              to_string(each)));
  if (bounds.said.has(sandbox_part::level) && bounds.values.level == sandbox_level::container)
    return fail(
        errc::invalid_argument,
        "`level: container` cannot be a bound, for tasks have to say their image: `seccomp` can");
  if (bounds.said.has(sandbox_part::network) && bounds.values.network != false)
    return fail(errc::invalid_argument, "`network` as a bound can only be false");
  return {};
}

result<void> hold_to(sandbox_spec& sandbox, const sandbox_options& bounds) {
  if (bounds.said.has(sandbox_part::level)) {
    // A task that is happy with less than its own level must have this one at least.
    if (sandbox.degrade && bounds.values.sealed())
      return beyond(fmt::format("`degrade: allow` is not for this cluster, where every task has "
                                "level {} at least",
                                to_string(bounds.values.level)));
    sandbox.level = std::max(sandbox.level, bounds.values.level);
  }
  if (bounds.said.has(sandbox_part::cpu_share) && sandbox.degrade)
    return beyond("`degrade: allow` is not for this cluster, where every task has a `cpu_share`");
  if (bounds.said.has(sandbox_part::network) && sandbox.network == true)
    return beyond("`network: true` is more than this cluster allows");
  limit_holder limits(sandbox, bounds);
  limits.hold(sandbox_part::timeout, &sandbox_spec::wall_time);
  limits.hold(sandbox_part::cpu_time, &sandbox_spec::cpu_time);
  limits.hold(sandbox_part::memory, &sandbox_spec::memory);
  limits.hold(sandbox_part::cpu_share, &sandbox_spec::cpu_share);
  limits.hold(sandbox_part::address_space, &sandbox_spec::address_space);
  limits.hold(sandbox_part::file_size, &sandbox_spec::file_size);
  limits.hold(sandbox_part::disk, &sandbox_spec::disk);
  limits.hold(sandbox_part::open_files, &sandbox_spec::open_files);
  limits.hold(sandbox_part::processes, &sandbox_spec::processes);
  if (sandbox.level == sandbox_level::container)
    limits.hold(sandbox_part::temporary, &sandbox_spec::temporary);
  return limits.done;
}

result<void> settle(sandbox_spec& sandbox, sandbox_parts& written, const sandbox_policy& policy) {
  // What a bound set is not written: a default, which asks for less, comes in its place.
  for (int round = 0; round < 2; ++round) {
    fill(sandbox, written, policy.defaults);
    if (auto within = hold_to(sandbox, policy.bounds); !within)
      return within;
  }
  return check_sandbox(sandbox);
}

result<void> settle(task_spec& task, const sandbox_policy& policy) {
  if (policy.defaults.said == sandbox_parts{}) {
    sandbox_parts unused;
    return settle(task.sandbox, unused, policy);
  }
  sandbox_parts written = written_of(task);
  auto fine = settle(task.sandbox, written, policy);
  task.written.sandbox = written;
  return fine;
}

sandbox_parts parts_of(const sandbox_spec& sandbox) {
  sandbox_parts out;
  for (const part_rule& rule : part_rules) {
    sandbox_spec without = sandbox;
    rule.copy(without, {});
    if (without != sandbox)
      out.add(rule.part);
  }
  return out;
}

} // namespace maze::core
