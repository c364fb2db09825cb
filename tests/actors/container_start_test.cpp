#include "maze/actors/container_start.hpp"

#include "maze/actors/attempt_environment.hpp"
#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sys/resource.h>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;
using strings = std::vector<std::string>;

namespace {

sandbox::launch_request child_of(std::uint32_t user, const char* folder) {
  sandbox::launch_request out;
  out.argv = {"/bin/true"};
  out.working_directory = folder;
  out.user = sandbox::child_user{user, user};
  out.sandbox.level = core::sandbox_level::container;
  out.sandbox.image = "debian:12";
  return out;
}

bool shows(const sandbox::container_start& x, const char* path) {
  return std::any_of(x.mounts.begin(), x.mounts.end(),
                     [path](const auto& each) { return each.to == path; });
}

} // namespace

TEST_CASE("a container of one child has its user and sees its folder", "[actors][container]") {
  auto request = child_of(60001, "/srv/views/1");
  request.sandbox.readable = {"/usr/share"};
  const auto x = make_container_start(request, {{"/opt/host", "/run/maze/host", false}},
                                      "/opt/maze-enter", "/srv/node", "/srv/images");
  REQUIRE(x);
  CHECK(x->user->uid == 60001);
  CHECK(x->owner == "/srv/node");
  CHECK(x->image.name == "debian:12");
  CHECK_FALSE(x->stays);
  for (const char* path : {"/run/maze/enter", "/run/maze/host", "/srv/views/1", "/usr/share"})
    CHECK(shows(*x, path));
}

TEST_CASE("a container that stays is the same for all users and folders", "[actors][container]") {
  const auto start = [](const sandbox::launch_request& request) {
    auto out = make_standing_start(request, {}, "/opt/maze-enter", "/srv/node", "/srv/images");
    REQUIRE(out);
    return *out;
  };
  const auto x = start(child_of(60001, "/srv/views/1"));
  CHECK(x.stays);
  CHECK_FALSE(x.user);
  CHECK_FALSE(shows(x, "/srv/views/1"));
  CHECK(x.folders == "/srv/views");
  CHECK(x.arguments == strings{"stay", "3", "104857600", "/srv/views"});
  const sandbox::container_engine engine{.kind = sandbox::engine_kind::podman,
                                         .program = "/usr/bin/podman",
                                         .options = {},
                                         .open_files = {},
                                         .processes = {}};
  const auto words = [&engine](const sandbox::container_start& of) {
    return sandbox::run_command(engine, of).value();
  };
  CHECK(words(start(child_of(60009, "/srv/views/2"))) == words(x));
  auto without = child_of(60001, "/");
  CHECK(start(without).folders.empty());
  without.sandbox.temporary = core::byte_count{4096};
  CHECK(start(without).arguments == strings{"stay", "3", "4096", ""});
  // What is below a place that each task has to itself is named.
  const test::scratch_dir dir;
  without.sandbox.readable = {dir.path().native()};
  if (dir.path().native().starts_with("/tmp/") || dir.path().native().starts_with("/dev/shm/"))
    CHECK(start(without).arguments.back() == dir.path().native());
}

TEST_CASE("a child begins in its container with its own environment and limits",
          "[actors][container]") {
  auto request = child_of(60001, "/srv/views/1");
  request.environment = {"PATH=" + base_environment().path, "A=b"};
  request.sandbox.file_size = core::byte_count{7};
  request.sandbox.cpu_time = std::chrono::seconds(2);
  const auto x = take_block(request, {"/bin/true"}, "a filter", 5);
  // The PATH of the image counts.
  CHECK(x.environment == strings{"A=b"});
  CHECK(x.working_directory == "/srv/views/1");
  CHECK(x.cpu_time == 2'000'000'000);
  CHECK(x.filter == "a filter");
  CHECK(x.report == 5);
  CHECK(x.limits == std::vector<sandbox::enter::limit>{{RLIMIT_CORE, 1}, {RLIMIT_FSIZE, 7}});
}

TEST_CASE("the program that runs in a child's place has nothing of it but its time",
          "[actors][container]") {
  auto request = child_of(60001, "/srv/views/1");
  request.environment = {"SECRET=x"};
  request.sandbox.wall_time = std::chrono::seconds(3);
  become_engines(request);
  CHECK(request.environment == engine_environment());
  CHECK_FALSE(request.user);
  CHECK(request.sandbox
        == core::sandbox_spec{.level = core::sandbox_level::none,
                              .wall_time = std::chrono::seconds(3)});
}

TEST_CASE("a report is what a child left in its file, or nothing", "[actors][container]") {
  CHECK_FALSE(read_report(nullptr));
  const auto file = make_report_file().value();
  CHECK_FALSE(read_report(file));
  const sandbox::enter::report left{.began = true, .ended = true, .step = "", .exit_code = 3};
  REQUIRE(io::write_all(file->get(), encode(left)));
  CHECK(read_report(file) == left);
}
