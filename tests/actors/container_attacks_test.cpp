// The attacks of the table at level container: each gets the answer that it gets at level seccomp, or one that is as good.
#include "maze/actors/container_service.hpp"
#include "support/attack_table.hpp"
#include "support/container_service_fixture.hpp"
#include "support/docker_fixture.hpp"
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

/// Of docker's own, which gives /tmp the mode that it has in the image: here nobody but root may write there.
const std::map<std::string_view, const char*> answers_of_docker{{"fill_tmp", "EACCES"},
                                                                {"fill_names", "EACCES"}};

struct attacks_fixture : test::container_service_fixture {
  void try_all(bool stays, const std::map<std::string_view, const char*>& further = {});
};

void attacks_fixture::try_all(bool stays, const std::map<std::string_view, const char*>& further) {
  INFO("in a container that stays: " << stays);
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0755));
  const auto folder = outer / "taskspace";
  std::filesystem::create_directory(folder);
  REQUIRE(::chown(folder.c_str(), 60001, 60002) == 0);
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
  const auto ended = end_of(std::move(request));
  INFO(ended.standard_error.text);
  INFO(ended.failure.message);
  REQUIRE(ended.cause == sandbox::exit_cause::exited);
  REQUIRE(ended.exit_code == 0);
  std::map<std::string, std::string> answers;
  std::istringstream lines(ended.standard_output.text);
  for (std::string name, answer; lines >> name >> answer;)
    answers[name] = answer;
  auto own_answers = further;
  own_answers.insert(answers_of_containers.begin(), answers_of_containers.end());
  for (const auto& row : test::attack_table())
    for (const auto& way : row.ways) {
      if (way.limit != test::under::nothing || *way.sealed.any_of == '\0')
        continue;
      const auto own = own_answers.find(way.name);
      const auto* const wanted = own == own_answers.end() ? way.sealed.any_of : own->second;
      INFO(row.number << ": " << row.what << ": " << way.name << ": got " << answers[way.name]
                      << ", wanted one of " << wanted);
      CHECK(fmt::format(" {} ", wanted).find(fmt::format(" {} ", answers[way.name]))
            != std::string::npos);
    }
}

} // namespace

TEST_CASE_METHOD(attacks_fixture, "no attack of the table gets through at level container",
                 "[actors][container][attacks]") {
  MAZE_NEEDS(containers.lacks());
  try_all(GENERATE(false, true));
}

TEST_CASE_METHOD(attacks_fixture, "nor in a container of docker",
                 "[actors][container][attacks][docker]") {
  MAZE_NEEDS(containers.lacks());
  const test::docker_fixture engine;
  MAZE_NEEDS(engine.lacks());
  ::setenv("DOCKER_HOST", engine.host().c_str(), 1);
  service = make_service({.kind = sandbox::engine_kind::docker,
                          .program = test::docker_fixture::client().value(),
                          .options = {},
                          .open_files = {},
                          .processes = {}});
  const bool stays = GENERATE(false, true);
  // In one that stays, /tmp is not the engine's.
  try_all(stays, stays ? std::map<std::string_view, const char*>() : answers_of_docker);
  service.reset();
  ::unsetenv("DOCKER_HOST");
}
