// What is left on the machine after many children of all kinds: nothing.
#include "support/sealed.hpp"

#include <array>
#include <csignal>
#include <random>

using namespace maze;
using namespace maze::sandbox;
using core::sandbox_level;
using test::sealed_fixture;

namespace {

std::size_t open_descriptors(int pid) {
  std::size_t out = 0;
  for ([[maybe_unused]] const auto& each :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    ++out;
  return out;
}

/// The serving process: the guardian's child.
int server_of(int node) {
  for (const int guardian : test::children_of(node))
    for (const int server : test::children_of(guardian))
      return server;
  return -1;
}

/// How a child comes to its end.
enum class end : std::uint8_t { returns, fails, crashes, daemons, stopped, late, never };

std::string script_of(end how) {
  switch (how) {
  case end::returns:
    return "echo x >f; echo y >/tmp/g; mkdir -p d/e";
  case end::fails:
    return "exit 7";
  case end::crashes:
    return "kill -SEGV $$";
  case end::daemons:
    return "(setsid sleep 1000 &) ; (trap '' TERM; sleep 1000) & disown; exit 0";
  case end::stopped:
  case end::late:
    return "trap '' TERM; sleep 1000 & wait";
  case end::never:
    return "";
  }
  return "";
}

/// MAZE_SANDBOX_CHILDREN, for campaigns.
std::size_t children_wanted() {
  const char* text = std::getenv("MAZE_SANDBOX_CHILDREN");
  return text == nullptr ? 1000 : std::stoul(text);
}

} // namespace

TEST_CASE_METHOD(sealed_fixture, "nothing is left of a thousand children of all kinds",
                 "[sandbox][leftovers]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto mark = "MAZE_TEST_MARK=" + dir.path().native();
  const auto before = test::mounts();
  std::mt19937 draw(7);
  const auto start = [&] {
    const auto how = static_cast<end>(draw() % 7);
    auto request = script(script_of(how));
    request.environment.push_back(mark);
    request.sandbox.level = std::array{sandbox_level::none, sandbox_level::subprocess,
                                       sandbox_level::seccomp, sandbox_level::seccomp}[draw() % 4];
    if (request.sandbox.sealed() && draw() % 3 == 0)
      request.sandbox.network = true;
    if (request.sandbox.sealed() && draw() % 8 == 0)
      request.sandbox.syscalls = {"@ipc"};
    if (how == end::late)
      request.sandbox.wall_time = std::chrono::milliseconds(5);
    if (how == end::never)
      request.argv = {"/nowhere"};
    launch_id id = 0;
    auto place = launch(std::move(request), &id);
    if (how == end::stopped)
      sut->stop(id, std::chrono::milliseconds(draw() % 3));
    return place;
  };
  std::size_t descriptors = 0;
  const std::size_t wanted = children_wanted();
  std::vector<std::shared_ptr<std::optional<exit_report>>> live;
  for (std::size_t started = 0; started < wanted || !live.empty();) {
    for (; live.size() < 8 && started < wanted; ++started)
      live.push_back(start());
    const auto ended = [](const auto& x) { return x->has_value(); };
    wait_until([&] { return std::any_of(live.begin(), live.end(), ended); });
    std::erase_if(live, ended);
    // Once all kinds of slots are there.
    if (started == 200 && descriptors == 0)
      descriptors = open_descriptors(server_of(::getpid()));
  }
  CHECK(test::processes_with(mark).empty());
  CHECK(test::mounts() == before);
  if (wanted > 200)
    CHECK(open_descriptors(server_of(::getpid())) <= descriptors + 64);
  sut.reset();
  CHECK(test::processes_with(mark).empty());
  CHECK(test::children_of(::getpid()).empty());
}

TEST_CASE("what a starting maze-init tries out leaves no folder behind", "[sandbox][leftovers]") {
  const test::scratch_dir dir;
  const std::string before = std::filesystem::temp_directory_path();
  REQUIRE(::setenv("TMPDIR", dir.path().c_str(), 1) == 0);
  { const test::launcher_fixture one; }
  REQUIRE(::setenv("TMPDIR", before.c_str(), 1) == 0);
  CHECK(std::filesystem::is_empty(dir.path()));
}
