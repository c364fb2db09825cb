#include "maze/core/permissions.hpp"

#include "maze/core/call_plan.hpp"
#include "maze/core/task_spec.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

permission_set permitted(std::initializer_list<permission> which) {
  permission_set out;
  for (const permission each : which)
    out.add(each);
  return out;
}

task_spec sealed_function() {
  task_spec out;
  out.action = python_action{.text = "def f(): return 1"};
  out.sandbox.level = sandbox_level::seccomp;
  return out;
}

} // namespace

TEST_CASE("permissions have names", "[core][permissions]") {
  CHECK(all_permissions().size() == 4);
  for (const permission each : all_permissions()) {
    CHECK(permission_from_string(to_string(each)) == each);
    CHECK(permission_set::all().has(each));
  }
  CHECK_FALSE(permission_from_string("everything"));
  CHECK(to_string(permitted({permission::network_access, permission::read_files}))
        == "read_files, network_access");
  CHECK(to_string(permission_set{}) == "none");
}

TEST_CASE("a sealed function needs no permission, and each opening one", "[core][permissions]") {
  task_spec task = sealed_function();
  CHECK(needed_permissions(task).empty());
  task.sandbox.network = true;
  CHECK(needed_permissions(task) == permitted({permission::network_access}));
  task.sandbox.network.reset();
  task.sandbox.readable = {"/opt"};
  CHECK(needed_permissions(task) == permitted({permission::read_files}));
  task.sandbox.readable.clear();
  task.sandbox.writable = {"/srv"};
  CHECK(needed_permissions(task) == permitted({permission::read_files, permission::write_files}));
}

TEST_CASE("a command needs to be permitted at any level", "[core][permissions]") {
  task_spec task = sealed_function();
  task.action = shell_action{"true"};
  CHECK(needed_permissions(task) == permitted({permission::system_commands}));
  task.action = command_action{};
  CHECK(needed_permissions(task) == permitted({permission::system_commands}));
}

TEST_CASE("what is not sealed, or need not be, can do everything", "[core][permissions]") {
  task_spec task = sealed_function();
  task.sandbox.degrade = true;
  CHECK(needed_permissions(task) == permission_set::all());
  task.sandbox.degrade = false;
  task.sandbox.level = sandbox_level::subprocess;
  CHECK(needed_permissions(task) == permission_set::all());
  CHECK(needed_permissions(call_plan{}) == permission_set::all());
  call_plan calls;
  calls.sandbox.level = sandbox_level::seccomp;
  CHECK(needed_permissions(calls).empty());
}

TEST_CASE("a task may say that it needs more", "[core][permissions]") {
  task_spec task = sealed_function();
  task.permissions.add(permission::network_access);
  CHECK(needed_permissions(task) == permitted({permission::network_access}));
  CHECK(needed_offer(task).permissions == needed_permissions(task));
  CHECK(needed_offer(task).sealed);
}

TEST_CASE("an image needs the permission to fetch it, unless it comes with the run",
          "[core][permissions]") {
  task_spec task = sealed_function();
  task.sandbox.level = sandbox_level::container;
  CHECK(needed_permissions(task) == permitted({permission::network_access}));
  task.sandbox.image = "debian:12";
  CHECK(needed_permissions(task) == permitted({permission::network_access}));
  task.sandbox.image = "/srv/base.tar";
  CHECK(needed_permissions(task) == permitted({permission::read_files}));
  task.sandbox.image = "base.tar";
  CHECK(needed_permissions(task).empty());
}
