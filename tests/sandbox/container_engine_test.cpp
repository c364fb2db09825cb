#include "maze/sandbox/container_engine.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

using namespace maze;
using namespace maze::sandbox;
using Catch::Contains;

namespace {

/// A machine with some programs.
struct machine {
  test::scratch_dir dir;
  engine_search look = quiet();

  engine_search quiet() const {
    engine_search out;
    out.folders = {dir.path() / "a", dir.path() / "b"};
    out.answers = [](const auto&) { return false; };
    out.root = true;
    return out;
  }
  void install(const char* folder, const char* name) const {
    std::filesystem::create_directories(dir / folder);
    const auto path = dir / folder / name;
    std::ofstream(path) << "#!/bin/sh\n";
    std::filesystem::permissions(path, std::filesystem::perms(0755));
  }
};

} // namespace

TEST_CASE_METHOD(machine, "a docker whose daemon answers goes first", "[sandbox][engine]") {
  install("b", "docker");
  install("a", "podman");
  install("a", "runc");
  look.answers = [](const auto& path) { return path == "/var/run/docker.sock"; };
  const auto found = find_engine(look);
  REQUIRE(found);
  CHECK(found->kind == engine_kind::docker);
  CHECK(found->program == dir / "b/docker");
  CHECK(found->options.empty());
}

TEST_CASE_METHOD(machine, "podman goes before a docker without a daemon, with runc first",
                 "[sandbox][engine]") {
  install("a", "docker");
  install("a", "podman");
  install("b", "crun");
  CHECK(find_engine(look)->options == std::vector<std::string>{"--cgroup-manager", "cgroupfs"});
  CHECK(makes_groups(*find_engine(look)));
  install("b", "runc");
  look.systemd = true;
  const auto found = find_engine(look);
  REQUIRE(found);
  CHECK(found->kind == engine_kind::podman);
  CHECK(found->options == std::vector<std::string>{"--runtime", (dir / "b/runc").native()});
}

TEST_CASE_METHOD(machine, "a machine without an engine is told what each lacks",
                 "[sandbox][engine]") {
  const auto why = [&] {
    const auto found = find_engine(look);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == core::errc::unsupported_operation);
    return found.error().message;
  };
  CHECK_THAT(why(), Contains("docker is not installed") && Contains("podman is not installed"));
  install("a", "docker");
  install("a", "podman");
  CHECK_THAT(why(), Contains("/var/run/docker.sock") && Contains("neither runc nor crun"));
  install("a", "crun");
  look.hybrid_groups = true;
  CHECK_THAT(why(), Contains("install runc"));
  install("a", "runc");
  look.root = false;
  CHECK_THAT(why(), Contains("a node that is root"));
}

TEST_CASE("the daemon of docker is where its variable says, if that is on this machine",
          "[sandbox][engine]") {
  const auto socket_with = [](const char* host) {
    ::setenv("DOCKER_HOST", host, 1);
    const auto look = engine_search::of_this_machine();
    ::unsetenv("DOCKER_HOST");
    return look.docker_socket;
  };
  CHECK(socket_with("") == "/var/run/docker.sock");
  CHECK(socket_with("unix:///run/user/7/docker.sock") == "/run/user/7/docker.sock");
  CHECK(socket_with("tcp://10.0.0.1:2375").empty());
  auto look = engine_search::of_this_machine();
  CHECK_FALSE(look.answers({}));
  CHECK_FALSE(look.answers("/nowhere/docker.sock"));
}
