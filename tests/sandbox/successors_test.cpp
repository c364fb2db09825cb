// A child that starts when another one has ended, without the node.
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <csignal>
#include <sys/stat.h>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;
using core::sandbox_level;
using test::launcher_fixture;
using test::shell;

namespace {

struct successors_fixture : launcher_fixture {
  successors_fixture() { REQUIRE(::mkfifo(gate().c_str(), 0666) == 0); }

  [[nodiscard]] std::string gate() const { return (folder / "gate").native(); }
  [[nodiscard]] std::string file() const { return (folder / "file").native(); }
  /// A child that waits for `open_gate`, then does the rest.
  [[nodiscard]] launch_request gated(const std::string& rest, sandbox_level level) const {
    return shell("read word <" + gate() + "; " + rest, level);
  }
  void open_gate() const { std::ofstream(gate()) << "go\n"; }
  static launch_request after(launch_id before, launch_request request) {
    request.after = before;
    return request;
  }

  test::scratch_dir folder;
};

} // namespace

TEST_CASE_METHOD(successors_fixture, "a child starts when the one before it has ended",
                 "[sandbox][successors]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  launch_id first = 0, second = 0;
  const auto one = launch(gated("echo one >" + file(), level), &first);
  const auto two = launch(after(first, shell("cat " + file() + "; echo two", level)), &second);
  const auto three = launch(after(second, shell("cat " + file() + "; echo three", level)));
  // A body that needs a packet of its own kind is held as well.
  auto large = shell("echo ${#0}", level);
  large.argv.emplace_back(std::string(100'000, 'x'));
  const auto four = launch(after(second, std::move(large)));
  open_gate();
  wait_until([&] { return *three && *four; });
  CHECK((*one)->cause == exit_cause::exited);
  CHECK((*two)->standard_output.text == "one\ntwo\n");
  CHECK((*three)->standard_output.text == "one\nthree\n");
  CHECK((*four)->standard_output.text == "100000\n");
}

TEST_CASE_METHOD(successors_fixture, "nothing of the tree before it is left when a child starts",
                 "[sandbox][successors]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  const std::string mark = "MAZE_TEST_MARK=" + folder.path().native();
  auto daemon = gated("setsid sh -c 'sleep 60' & true", level);
  daemon.environment.push_back(mark);
  launch_id first = 0;
  const auto one = launch(std::move(daemon), &first);
  // Level none sees all processes of the machine.
  const auto two =
      launch(after(first, shell("cat /proc/[0-9]*/environ 2>&1 | grep -ac '" + mark + "'",
                                sandbox_level::none)));
  open_gate();
  wait_until([&] { return two->has_value(); });
  CHECK((*one)->exit_code == 0);
  CHECK((*two)->standard_output.text == "0\n");
}

TEST_CASE_METHOD(successors_fixture, "a child that waits for one that is gone starts at once",
                 "[sandbox][successors]") {
  launch_id first = 0;
  const auto one = launch(shell("true"), &first);
  wait_until([&] { return one->has_value(); });
  CHECK(run(after(first, shell("echo two"))).standard_output.text == "two\n");
  CHECK(run(after(12345, shell("echo three"))).standard_output.text == "three\n");
}

TEST_CASE_METHOD(successors_fixture, "a child that never started lets its successor start",
                 "[sandbox][successors]") {
  const auto level = GENERATE(sandbox_level::none, sandbox_level::subprocess);
  launch_id first = 0, second = 0;
  const auto one = launch(gated("true", level), &first);
  auto missing = shell("", level);
  missing.argv = {"/no/such/program"};
  const auto two = launch(after(first, missing), &second);
  const auto three = launch(after(second, shell("echo three", level)));
  SECTION("failed") {
    open_gate();
    wait_until([&] { return three->has_value(); });
    CHECK((*two)->cause == exit_cause::setup_failed);
    CHECK((*one)->cause == exit_cause::exited);
  }
  SECTION("withdrawn") {
    sut->withdraw(second);
    wait_until([&] { return three->has_value(); });
    CHECK((*two)->cause == exit_cause::withdrawn);
    CHECK_FALSE(one->has_value());
    open_gate();
  }
  CHECK((*three)->standard_output.text == "three\n");
  wait_until([&] { return one->has_value(); });
}

TEST_CASE_METHOD(successors_fixture, "a child that waits can be stopped and withdrawn",
                 "[sandbox][successors]") {
  launch_id first = 0, second = 0;
  const auto one = launch(gated("true", sandbox_level::subprocess), &first);
  const auto two = launch(after(first, shell("echo two >" + file())), &second);
  SECTION("stopped") {
    sut->stop(second, 60000ms);
    wait_until([&] { return two->has_value(); });
    CHECK((*two)->cause == exit_cause::stopped);
  }
  SECTION("withdrawn") {
    sut->withdraw(second);
    wait_until([&] { return two->has_value(); });
    CHECK((*two)->cause == exit_cause::withdrawn);
  }
  CHECK_FALSE(one->has_value());
  open_gate();
  wait_until([&] { return one->has_value(); });
  CHECK_FALSE(std::filesystem::exists(file()));
}

TEST_CASE_METHOD(successors_fixture, "a child that runs cannot be withdrawn",
                 "[sandbox][successors]") {
  launch_id first = 0, second = 0;
  const auto one = launch(shell("true"), &first);
  wait_until([&] { return one->has_value(); });
  const auto two = launch(after(first, gated("echo two", sandbox_level::subprocess)), &second);
  sut->withdraw(second);
  open_gate();
  wait_until([&] { return two->has_value(); });
  CHECK((*two)->standard_output.text == "two\n");
}

TEST_CASE_METHOD(successors_fixture, "children that wait are lost with maze-init",
                 "[sandbox][successors]") {
  launch_id first = 0;
  const auto one = launch(shell("exec sleep 60"), &first);
  const auto two = launch(after(first, shell("echo two >" + file())));
  // The youngest: where this process adopts orphans, a dead node's guardian is older.
  ::kill(test::children_of(::getpid()).back(), SIGKILL);
  wait_until([&] { return *one && *two; });
  CHECK((*one)->cause == exit_cause::lost);
  CHECK((*two)->cause == exit_cause::lost);
  CHECK_FALSE(std::filesystem::exists(file()));
}

TEST_CASE_METHOD(successors_fixture, "a child that waits writes more than a pipe holds",
                 "[sandbox][successors]") {
  launch_id first = 0;
  const auto one = launch(gated("true", sandbox_level::subprocess), &first);
  const auto two = launch(after(first, shell("head -c 1000000 /dev/zero")));
  open_gate();
  wait_until([&] { return two->has_value(); });
  CHECK((*two)->standard_output.total == 1'000'000);
}
