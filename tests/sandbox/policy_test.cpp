#include "maze/sandbox/policy.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze;
using namespace maze::sandbox;

namespace {

bool holds(const std::vector<std::string>& paths, std::string_view path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

} // namespace

TEST_CASE("a sealed child is shown the system and what its task asks for", "[sandbox][policy]") {
  const auto view = view_of({.level = core::sandbox_level::seccomp,
                             .readable = {"/opt/models"},
                             .writable = {"/srv/cache"}},
                            {"/usr/bin/../libexec/maze"});
  CHECK(holds(view.system, "/usr"));
  CHECK_FALSE(holds(view.system, "/etc"));
  CHECK_FALSE(holds(view.system, "/etc/resolv.conf"));
  CHECK(holds(view.system, "/usr/libexec/maze"));
  CHECK(view.readable == std::vector<std::string>{"/opt/models"});
  CHECK(view.writable == std::vector<std::string>{"/srv/cache"});
  CHECK_FALSE(view.network);
  CHECK_FALSE(view.single_use);
  CHECK(view.temporary_max > 0);
}

TEST_CASE("with a network a sealed child also finds names and routes", "[sandbox][policy]") {
  const core::sandbox_spec spec{.level = core::sandbox_level::seccomp, .network = true};
  CHECK(view_of(spec, {}).network);
  CHECK(holds(view_of(spec, {}).system, "/etc/resolv.conf"));
  CHECK(syscalls_of(spec).network);
}

TEST_CASE("namespaces of a child with more system calls serve nobody else", "[sandbox][policy]") {
  const core::sandbox_spec spec{.level = core::sandbox_level::seccomp, .syscalls = {"@ipc"}};
  CHECK(view_of(spec, {}).single_use);
  CHECK(syscalls_of(spec).more == spec.syscalls);
}

TEST_CASE("a child that is shown a GPU may speak with its driver", "[sandbox][policy]") {
  CHECK_FALSE(syscalls_of({.level = core::sandbox_level::seccomp, .writable = {"/dev/null"}}).gpus);
  CHECK(syscalls_of({.level = core::sandbox_level::seccomp, .writable = {"/dev/nvidia0"}}).gpus);
}
