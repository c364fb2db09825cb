// Each step of a child's set-up fails after it was done: nothing runs, the step is named, and nothing is left.
#include "support/sealed.hpp"

#include <boost/asio/io_context.hpp>

using namespace maze;
using namespace maze::sandbox;
using test::sealed_fixture;

namespace {

/// MAZE_SANDBOX_FAULTS, for campaigns.
std::size_t times_wanted() {
  const char* text = std::getenv("MAZE_SANDBOX_FAULTS");
  return text == nullptr ? 20 : std::stoul(text);
}

/// A maze-init whose step `stage` fails, and a child that has all steps.
struct faulty_fixture : sealed_fixture {
  void break_step(const std::string& stage) {
    ::setenv("MAZE_FAULT", stage.c_str(), 1);
    auto started = launcher::start(context, {.executable = MAZE_BIN_DIR "/maze-init-faulty"});
    ::unsetenv("MAZE_FAULT");
    REQUIRE(started);
    sut = std::move(*started);
  }

  /// In folders of its own: an overlay takes no upper layer twice.
  [[nodiscard]] launch_request everything() {
    const auto own = dir / std::to_string(++made);
    for (const auto& folder : {own, own / "lower", own / "upper", own / "work", own / "view"})
      if (std::filesystem::create_directory(folder) && ::geteuid() == 0)
        REQUIRE(::chown(folder.c_str(), test::sealed_uid, test::sealed_uid) == 0);
    auto out = script("touch ran");
    out.overlay = overlay_mount{{own / "lower"}, own / "upper", own / "work", own / "view"};
    out.working_directory = own / "view";
    out.environment.push_back(mark);
    out.sandbox.open_files = 64;
    // With a listener for its filter, and without.
    out.sandbox.kill_on_violation = made % 2 == 0;
    if (sut->can().memory_groups)
      out.sandbox.memory = core::byte_count{64 << 20};
    return out;
  }

  std::size_t made = 0;
  const std::string mark = "MAZE_TEST_MARK=" + dir.path().native();
};

} // namespace

TEST_CASE_METHOD(faulty_fixture, "the child of the tests of faults runs where no step fails",
                 "[sandbox][faults]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  break_step("none at all");
  const auto report = run(everything());
  INFO(report.failure.message << report.standard_error.text);
  CHECK(report.cause == exit_cause::exited);
  CHECK(std::filesystem::exists(dir / "1/upper/ran"));
}

TEST_CASE_METHOD(faulty_fixture, "a step that fails is named, nothing runs and nothing is left",
                 "[sandbox][faults]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const std::string stage =
      GENERATE(as<std::string>{}, "process", "groups", "pid_namespace", "mount_namespace", "proc",
               "idmap", "overlay", "namespaces", "root", "process_group", "stdio", "nice",
               "oom_score_adj", "user", "privileges", "landlock", "limits", "working_directory",
               "parent_death_signal", "filter", "exec");
  INFO(stage);
  // Only files that are another user's are shown as the child's own.
  if (stage == "idmap" && ::geteuid() != 0)
    return;
  const auto before = test::mounts();
  break_step(stage);
  std::size_t descriptors = 0;
  const std::size_t times = times_wanted();
  for (std::size_t i = 0; i < times; ++i) {
    const auto request = everything();
    const auto report = run(request);
    REQUIRE(report.cause == exit_cause::setup_failed);
    REQUIRE(report.failure.origin == "launch:" + stage);
    REQUIRE_FALSE(report.isolation.began);
    REQUIRE(test::entries_of(request.overlay->upper) == 0);
    REQUIRE(test::entries_of(request.working_directory) == 0);
    if (i == 1)
      descriptors = test::entries_of("/proc/" + std::to_string(test::serving_process()) + "/fd");
  }
  // Slots that lie ready have some of their own.
  CHECK(test::entries_of("/proc/" + std::to_string(test::serving_process()) + "/fd")
        <= descriptors + 16);
  CHECK(test::processes_with(mark).empty());
  CHECK(test::mounts() == before);
  sut.reset();
  CHECK(test::children_of(::getpid()).empty());
}

TEST_CASE("steps fail the same for an ordinary user", "[sandbox][faults]") {
  const test::scratch_dir outer;
  std::filesystem::permissions(outer.path(), std::filesystem::perms(0777));
  CHECK(test::as_ordinary_user(60336, [&] {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    faulty_fixture node;
    if (test::needs_sealed(*node.sut))
      return true;
    for (const char* stage : {"process", "mount_namespace", "proc", "overlay", "namespaces", "root",
                              "stdio", "privileges", "landlock", "limits", "filter", "exec"}) {
      node.break_step(stage);
      const auto report = node.run(node.everything());
      if (report.cause != exit_cause::setup_failed
          || report.failure.origin != std::string("launch:") + stage) {
        std::fprintf(stderr, "%s: %s\n", stage, report.failure.origin.c_str());
        return false;
      }
    }
    return true;
  }));
}
