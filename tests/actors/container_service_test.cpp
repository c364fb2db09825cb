// Children of level container under a launcher, with podman.
#include "maze/actors/container_service.hpp"

#include "support/container_service_fixture.hpp"
#include "support/needs.hpp"
#include "support/tar.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using sandbox::exit_cause;

namespace {

struct service_fixture : test::container_service_fixture {
  /// The control groups whose names fit, a line each.
  [[nodiscard]] static std::string groups(const std::string& names) {
    return test::run({.argv = {"/usr/bin/find", "/sys/fs/cgroup", "-type", "d", "-name", names}})
        .standard_output;
  }
};

/// Control groups as those of a node that lives: the first process does.
struct group_of_init {
  std::filesystem::path path;

  explicit group_of_init(std::filesystem::path where) : path(std::move(where)) {
    std::filesystem::create_directory(path);
  }
  group_of_init(const group_of_init&) = delete;
  group_of_init& operator=(const group_of_init&) = delete;
  ~group_of_init() { ::rmdir(path.c_str()); }
};

} // namespace

TEST_CASE_METHOD(service_fixture, "a child in a container has its own words, variables and user",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto report =
      end_of(script("echo \"$A\"; id -u; id -g; cat /etc/maze-image; echo e >&2; exit 9"));
  INFO(report.failure.message);
  INFO(report.standard_error.text);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code == 9);
  CHECK(report.standard_output.text == "from the task\n60001\n60002\nan image of the tests\n");
  CHECK(report.standard_error.text == "e\n");
  CHECK(report.isolation.level() == core::sandbox_level::container);
  CHECK(report.isolation.has(core::fence::own_user));
  CHECK(report.cpu_user.count() > 0);
  CHECK(report.memory_peak > 0);
}

TEST_CASE_METHOD(service_fixture, "a task's own PATH goes before that of the image",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  auto request = script("echo \"$PATH\"");
  request.environment.front() = "PATH=/opt/own:/usr/bin";
  CHECK(end_of(std::move(request)).standard_output.text == "/opt/own:/usr/bin\n");
}

TEST_CASE_METHOD(service_fixture, "what a container leaves running ends with it",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  auto request = script("(trap '' TERM; setsid sleep 1000) & echo $!");
  request.environment.push_back("MAZE_TEST_MARK=" + containers.archive().native());
  CHECK(end_of(std::move(request)).exit_code == 0);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + containers.archive().native()).empty());
}

TEST_CASE_METHOD(service_fixture, "a child is stopped with all that it began, first gently",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  std::optional<sandbox::exit_report> out;
  const auto id = begin(
      script("trap 'echo gently; exit 0' TERM; echo ready; while :; do sleep 0.1; done"), out);
  sut->stop(id, std::chrono::seconds(20));
  wait_until([&out] { return out.has_value(); });
  CHECK(out->cause == exit_cause::stopped);
  service.reset();
  CHECK(containers.containers().empty());
}

TEST_CASE_METHOD(service_fixture,
                 "a container that was killed leaves neither itself nor its groups",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  std::optional<sandbox::exit_report> out;
  const auto id = begin(script("echo ready; sleep 1000"), out);
  auto name = containers.engine({"ps", "--no-trunc", "--quiet"}).standard_output;
  REQUIRE_FALSE(name.empty());
  name.pop_back();
  CHECK_FALSE(groups("*" + name + "*").empty());
  sut->stop(id, std::chrono::seconds(0));
  wait_until([&out] { return out.has_value(); });
  wait_until([&] { return containers.containers().empty() && groups("*" + name + "*").empty(); });
}

TEST_CASE_METHOD(service_fixture, "groups of which the engine lost sight go with their node",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto own = sandbox::container_prefix(::getpid(), "*") + "groups";
  MAZE_NEEDS(makes_groups(test::podman().value())
                 ? std::nullopt
                 : std::optional<std::string>("needs a machine without systemd"));
  std::optional<sandbox::exit_report> out;
  const auto id = begin(script("echo ready; sleep 1000"), out);
  auto place = groups(own);
  REQUIRE_FALSE(place.empty());
  place.resize(place.find('\n'));
  std::filesystem::create_directory(place + "/libpod-lost");
  // Of a node that was killed, for no process has such a number, which any node may remove; and of one that lives.
  const auto parent = std::filesystem::path(place).parent_path();
  const auto before = parent / (sandbox::container_prefix(1 << 30, "word") + "groups/libpod-old");
  std::filesystem::create_directories(before);
  const group_of_init others{parent / (sandbox::container_prefix(1, "word") + "groups")};
  sut->stop(id, std::chrono::seconds(0));
  wait_until([&out] { return out.has_value(); });
  service.reset();
  CHECK(groups(own).empty());
  service = make_service(test::podman().value());
  CHECK(end_of(script("true")).exit_code == 0);
  wait_until([&] { return !std::filesystem::exists(before.parent_path()); });
  CHECK(std::filesystem::exists(others.path));
}

TEST_CASE_METHOD(service_fixture, "a child whose container is killed from outside was killed",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  std::optional<sandbox::exit_report> out;
  begin(script("echo ready; sleep 1000"), out);
  REQUIRE(containers.engine({"kill", "--all"}).status == 0);
  wait_until([&out] { return out.has_value(); });
  INFO(out->failure.message);
  CHECK(out->cause == exit_cause::signalled);
  CHECK(out->signal == SIGKILL);
}

TEST_CASE_METHOD(service_fixture, "what no container can have is refused before it begins",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto refused = [&](const sandbox::launch_request& request) {
    const auto launched = service->launch(request, [](const auto&) { FAIL("it began"); });
    return launched ? core::error{} : launched.error();
  };
  auto request = script("true");
  request.user.reset();
  CHECK(refused(request).code == core::errc::permission_denied);
  request = script("true");
  for (const char* archive : {"/nowhere.tar", "that-did-not-come.tar"}) {
    request.sandbox.image = archive;
    CHECK(refused(request).code == core::errc::not_found);
  }
  request = script("true");
  request.sandbox.readable = {"/nowhere"};
  CHECK(refused(request).code == core::errc::not_found);
  request.sandbox.readable = {"/proc"};
  CHECK(refused(request).code == core::errc::permission_denied);
  CHECK(launch_child(*sut, nullptr, script("true"), [](const auto&) {}).error().code
        == core::errc::unsupported_operation);
}

TEST_CASE_METHOD(service_fixture, "a saved image is used as it is, whatever it says it is called",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto engine = [&](std::vector<std::string> words) {
    const auto ended = containers.engine(std::move(words));
    INFO(ended.standard_error);
    REQUIRE(ended.status == 0);
    return ended.standard_output;
  };
  const std::string name = "localhost/maze-tests:claimed";
  const auto folder = containers.archive().parent_path();
  engine({"import", "--quiet", "--change", "ENV ODD=a \"b\" $PATH", "--change",
          "ENV PATH=/opt:/bin", containers.archive().native(), name});
  std::ofstream(folder / "Containerfile")
      << "FROM " << name << "\nCOPY more /etc/more\nENTRYPOINT [\"/bin/false\"]\nWORKDIR /var\n";
  std::ofstream(folder / "more") << "a layer more\n";
  std::filesystem::permissions(folder / "more", std::filesystem::perms(0644));
  engine({"build", "--quiet", "--tag", name, folder.native()});
  for (const char* format : {"docker-archive", "oci-archive"})
    engine({"save", "--quiet", "--format", format, "--output",
            (folder / (std::string(format) + ".tar")).native(), name});
  // From now on that is the name of somebody else's image.
  engine({"untag", name});
  engine({"import", "--quiet", containers.archive().native(), name});
  const auto owner = engine({"image", "inspect", "--format", "{{.Id}}", name});
  for (const char* format : {"docker-archive", "oci-archive"}) {
    INFO(format);
    auto request = script("cat /etc/maze-image /etc/more; echo \"$ODD\"; echo \"$PATH\"");
    request.sandbox.image = folder / (std::string(format) + ".tar");
    const auto report = end_of(std::move(request));
    INFO(report.standard_error.text << report.failure.message << report.failure.evidence);
    CHECK(report.standard_output.text
          == "an image of the tests\na layer more\na \"b\" $PATH\n/opt:/bin\n");
    CHECK(engine({"image", "inspect", "--format", "{{.Id}}", name}) == owner);
  }
}

TEST_CASE_METHOD(service_fixture, "a saved image that lacks a part is refused by that",
                 "[actors][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto path = containers.archive().parent_path() / "broken.tar";
  std::ofstream(path) << test::tar_of(
      {{.name = "manifest.json",
        .type = '0',
        .content = R"([{"Config":"c.json","RepoTags":["a:1"],"Layers":["gone.tar"]}])",
        .target = {},
        .size = {}}});
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  auto request = script("true");
  request.sandbox.image = path;
  const auto report = end_of(std::move(request));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK_THAT(report.failure.message,
             Contains(path.native()) && Contains("'gone.tar' is not in it"));
}
