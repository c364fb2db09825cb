#pragma once

#include "maze/actors/attempt_environment.hpp"
#include "maze/actors/container_service.hpp"
#include "support/container_fixture.hpp"
#include "support/launcher_fixture.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace maze::test {

/// Starts children of level container, with podman where nothing else is said.
struct container_service_fixture : launcher_fixture {
  container_fixture containers;
  std::shared_ptr<actors::container_service> service;

  container_service_fixture() {
    if (containers.lacks())
      return;
    ::setenv("CONTAINERS_STORAGE_CONF", containers.configuration().c_str(), 1);
    service = make_service(podman().value());
  }
  ~container_service_fixture() {
    service.reset();
    ::unsetenv("CONTAINERS_STORAGE_CONF");
  }
  [[nodiscard]] std::shared_ptr<actors::container_service>
  make_service(sandbox::container_engine engine, actors::container_pool::options pool = {}) {
    const auto folder = containers.archive().parent_path();
    return std::make_shared<actors::container_service>(
        std::move(engine), sut, context,
        actors::container_service::options{
            .enter = MAZE_BIN_DIR "/maze-enter",
            .images = {.reader = MAZE_BIN_DIR "/maze-image",
                       .size_max = core::byte_count{std::uint64_t{1} << 30},
                       .records = folder / "records",
                       .age_max = std::chrono::hours(1)},
            .programs = actors::host_programs::beside(MAZE_BIN_DIR "/maze-init"),
            .owner = folder.native(),
            .pool = pool});
  }
  [[nodiscard]] sandbox::launch_request script(std::string text) const {
    sandbox::launch_request out;
    out.argv = {"/bin/sh", "-c", std::move(text)};
    out.environment = {"PATH=" + actors::base_environment().path, "A=from the task",
                       "CONTAINERS_CONF=/etc/shadow"};
    out.working_directory = "/";
    out.sandbox.level = core::sandbox_level::container;
    out.sandbox.image = containers.archive().native();
    out.user = sandbox::child_user{60001, 60002};
    return out;
  }
  sandbox::exit_report end_of(sandbox::launch_request request) {
    std::optional<sandbox::exit_report> out;
    REQUIRE(service->launch(std::move(request),
                            [&out](sandbox::exit_report report) { out = std::move(report); }));
    wait_until([&out] { return out.has_value(); });
    return *out;
  }
  /// Starts a child that says that it is ready, and waits for that.
  sandbox::launch_id begin(sandbox::launch_request request,
                           std::optional<sandbox::exit_report>& out) {
    const auto id =
        service->launch(std::move(request), [&out](auto report) { out = std::move(report); });
    REQUIRE(id);
    wait_until([&] {
      const auto said = sut->peek(*id, sandbox::output_stream::standard_output, 0, 100);
      return out || (said && said->starts_with("ready"));
    });
    return *id;
  }
};

} // namespace maze::test
