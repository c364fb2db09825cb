// What an attempt does to its view never reaches the read-only layers below.
#include "support/launcher_fixture.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <map>
#include <sys/stat.h>

using namespace maze;
using namespace maze::sandbox;
using test::launcher_fixture;
using test::shell;

namespace {

const std::vector<std::string> names = {"cut", "grow", "write", "mode", "move", "gone", "sub/deep"};

struct view {
  view() {
    for (const char* name : {"one", "two", "upper", "work", "mount"})
      std::filesystem::create_directory(folder / name);
    std::filesystem::create_directory(folder / "one/sub");
    for (const auto& name : names)
      test::write(folder.path() / "one" / name, "content of " + name);
    test::write(folder / "two/second", "from below");
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  }

  [[nodiscard]] launch_request request(const std::string& script) const {
    auto made = shell(script);
    made.working_directory = folder / "mount";
    made.overlay = overlay_mount{
        {folder / "one", folder / "two"}, folder / "upper", folder / "work", folder / "mount"};
    return made;
  }
  void give_to(std::uint32_t uid, const std::vector<std::string>& parts) const {
    for (const auto& part : parts)
      for (const auto& entry : {std::filesystem::path(folder / part)})
        REQUIRE(::chown(entry.c_str(), uid, uid) == 0);
  }
  [[nodiscard]] std::map<std::string, std::string> below() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "one")) {
      struct stat about {};
      ::lstat(entry.path().c_str(), &about);
      found[entry.path().native()] =
          std::to_string(about.st_mode) + " " + std::to_string(about.st_uid)
          + (entry.is_regular_file() ? test::content_of(entry.path()) : "");
    }
    return found;
  }

  test::scratch_dir folder;
};

const std::string change_everything =
    "set -e; : >cut; echo more >>grow; echo new >write; chmod 600 mode; mv move moved; rm gone;"
    "echo deeper >>sub/deep; echo x >sub/fresh; mkdir dir; cat second;"
    "test ! -e gone -a ! -e move -a ! -s cut -a -s moved";

void check_changes(const view& where, const exit_report& report) {
  INFO(report.failure.message << report.standard_error.text);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code == 0);
  CHECK(report.standard_output.text == "from below");
  CHECK(test::content_of(where.folder / "upper/grow") == "content of growmore\n");
  CHECK(test::content_of(where.folder / "upper/moved") == "content of move");
  CHECK(std::filesystem::is_empty(where.folder / "mount"));
}

std::optional<std::string> needs(bool ability, const char* name) {
  return ability ? std::nullopt : std::optional<std::string>(std::string("needs ") + name);
}

} // namespace

TEST_CASE_METHOD(launcher_fixture, "a child that is root changes its view and nothing below",
                 "[sandbox][overlay]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(needs(sut->can().overlay, "overlays"));
  const auto level = GENERATE(core::sandbox_level::none, core::sandbox_level::subprocess);
  const view where;
  const auto before = where.below();
  auto request = where.request(change_everything);
  request.sandbox.level = level;
  check_changes(where, run(request));
  CHECK(where.below() == before);
}

TEST_CASE_METHOD(launcher_fixture,
                 "a child with a user of its own owns what it sees of root's files",
                 "[sandbox][overlay]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(needs(sut->can().idmapped_overlay, "idmapped overlays"));
  const view where;
  where.give_to(60321, {"upper", "work"});
  const auto before = where.below();
  auto request = where.request(change_everything + "; stat -c %u sub/deep write second >&2");
  request.user = child_user{60321, 60321};
  const auto report = run(request);
  check_changes(where, report);
  CHECK(report.standard_error.text == "60321\n60321\n60321\n");
  CHECK(where.below() == before);
  // The layer itself, outside of the view, is as closed to the child as it was.
  request = where.request("echo hacked >>" + (where.folder / "one/grow").native());
  request.user = child_user{60321, 60321};
  CHECK(run(request).exit_code != 0);
  CHECK(where.below() == before);
}

TEST_CASE("an ordinary user's child changes its view and nothing below", "[sandbox][overlay]") {
  const std::uint32_t uid = ::geteuid() == 0 ? 60333 : ::geteuid();
  const view where;
  if (::geteuid() == 0) {
    where.give_to(uid, {".", "one", "two", "upper", "work", "mount", "one/sub", "two/second"});
    for (const auto& name : names)
      where.give_to(uid, {"one/" + name});
  }
  const auto before = where.below();
  bool able = false;
  CHECK(test::as_ordinary_user(uid, [&] {
    launcher_fixture node;
    able = node.sut->can().overlay;
    if (!able)
      return true;
    const auto report = node.run(where.request(change_everything));
    std::fputs((report.failure.message + report.standard_error.text).c_str(), stderr);
    return report.cause == exit_cause::exited && report.exit_code == 0
           && report.standard_output.text == "from below";
  }));
  CHECK(where.below() == before);
}

TEST_CASE_METHOD(launcher_fixture, "overlays are tried in the folder that is given for that",
                 "[sandbox][overlay]") {
  MAZE_NEEDS(needs(sut->can().overlay, "overlays"));
  const test::scratch_dir here;
  const auto tried_in = [this](const std::filesystem::path& folder) {
    const auto made =
        launcher::start(context, {.executable = MAZE_BIN_DIR "/maze-init", .scratch = folder});
    REQUIRE(made.has_value());
    return (*made)->can().overlay;
  };
  CHECK(tried_in(here.path()));
  CHECK(std::filesystem::is_empty(here.path()));
  // Where nothing can be made, no overlay can be had.
  CHECK_FALSE(tried_in("/proc"));
}

TEST_CASE_METHOD(launcher_fixture, "a layer that is missing is named", "[sandbox][overlay]") {
  MAZE_NEEDS(needs(sut->can().overlay, "overlays"));
  const view where;
  auto request = where.request("true");
  request.overlay->lower[1] = where.folder / "three";
  const auto report = run(request);
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.origin == "launch:overlay");
  CHECK(report.failure.message.find("three") != std::string::npos);
}
