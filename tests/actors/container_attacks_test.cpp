// The attacks of the table at level container: each gets the answer that it gets at level seccomp, or one that is as good.
#include "maze/actors/container_service.hpp"
#include "support/attack_table.hpp"
#include "support/container_fixture.hpp"
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"
#include "support/sealed.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>
#include <sstream>

using namespace maze;
using namespace maze::actors;

namespace {

constexpr const char* attack_program = MAZE_BIN_DIR "/maze-attack";

/// What a container answers where it is not what level seccomp answers, as good.
const std::map<std::string_view, const char*> answers_of_containers{
    // The first process is the container's own, and closed to all others.
    {"root_of_init", "EACCES"},
    {"through_proc_root", "EACCES"},
    {"init_environment", "EACCES"},
    {"init_memory", "EACCES"},
    // The kernel lets nothing come of it.
    {"kill_init", "done EPERM"},
    // There is one for nobody.
    {"owned_program", "ENOENT"},
    {"terminal", "ENXIO"},
    {"program_in_memory", "ENOEXEC"},
    {"own_memory", "EACCES"},
    {"last_to_be_killed", "EACCES"},
    // Names count as memory of the container, which has a limit.
    {"fill_names", "done"},
    // Of a session, a core file and a device that are the task's own.
    {"session_share", "done"},
    {"core_filter", "done"},
    {"device_times", "done"}};

} // namespace

TEST_CASE("no attack of the table gets through at level container",
          "[actors][container][attacks]") {
  test::container_fixture containers;
  MAZE_NEEDS(containers.lacks());
  const bool stays = GENERATE(false, true);
  INFO("in a container that stays: " << stays);
  test::launcher_fixture node;
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0755));
  const auto folder = outer / "taskspace";
  std::filesystem::create_directory(folder);
  REQUIRE(::chown(folder.c_str(), 60001, 60002) == 0);
  ::setenv("CONTAINERS_STORAGE_CONF", containers.configuration().c_str(), 1);
  auto service = std::make_shared<container_service>(
      test::podman().value(), node.sut, node.context,
      container_service::options{
          .enter = MAZE_BIN_DIR "/maze-enter",
          .images = {.reader = MAZE_BIN_DIR "/maze-image",
                     .size_max = core::byte_count{std::uint64_t{1} << 30},
                     .records = containers.archive().parent_path() / "records",
                     .age_max = std::chrono::hours(1)},
          .programs = host_programs::beside(MAZE_BIN_DIR "/maze-init"),
          .owner = outer.path().native()});
  sandbox::launch_request request;
  request.argv = {attack_program};
  for (const auto& row : test::attack_table())
    for (const auto& way : row.ways)
      if (way.limit == test::under::nothing && *way.sealed.any_of != '\0')
        request.argv.emplace_back(way.name);
  const auto socket = fmt::format("maze-attack-{}", ::getpid());
  const test::abstract_listener outside(socket);
  request.environment = {"HOME=" + folder.native(), "MAZE_ATTACK_SOCKET=" + socket};
  request.working_directory = folder;
  request.sandbox.level = core::sandbox_level::container;
  request.sandbox.image = containers.archive().native();
  request.sandbox.readable = {attack_program};
  request.user = sandbox::child_user{60001, 60002};
  request.sandbox.reuse = stays;
  request.tenant = "a run";
  std::optional<sandbox::exit_report> ended;
  REQUIRE(
      service->launch(std::move(request), [&ended](auto report) { ended = std::move(report); }));
  node.wait_until([&ended] { return ended.has_value(); });
  ::unsetenv("CONTAINERS_STORAGE_CONF");
  INFO(ended->standard_error.text);
  INFO(ended->failure.message);
  REQUIRE(ended->cause == sandbox::exit_cause::exited);
  REQUIRE(ended->exit_code == 0);
  std::map<std::string, std::string> answers;
  std::istringstream lines(ended->standard_output.text);
  for (std::string name, answer; lines >> name >> answer;)
    answers[name] = answer;
  for (const auto& row : test::attack_table())
    for (const auto& way : row.ways) {
      if (way.limit != test::under::nothing || *way.sealed.any_of == '\0')
        continue;
      const auto own = answers_of_containers.find(way.name);
      const auto* const wanted =
          own == answers_of_containers.end() ? way.sealed.any_of : own->second;
      INFO(row.number << ": " << row.what << ": " << way.name << ": got " << answers[way.name]
                      << ", wanted one of " << wanted);
      CHECK(fmt::format(" {} ", wanted).find(fmt::format(" {} ", answers[way.name]))
            != std::string::npos);
    }
}
