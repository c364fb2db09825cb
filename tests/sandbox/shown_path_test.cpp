#include "maze/sandbox/shown_path.hpp"

#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <unistd.h>

using namespace maze;
using namespace maze::sandbox;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const child_user task{60001, 60002};

std::string refusal(const std::string& path, bool readable = false) {
  const auto shown = shown_path(path, task, readable);
  return shown ? "shown" : shown.error().message;
}

/// Folders that everybody may enter.
struct open_folder {
  test::scratch_dir dir;

  open_folder() {
    fs::permissions(dir.path(), fs::perms(0755));
    fs::create_directory(dir / "data");
    std::ofstream(dir / "data/file") << "x";
  }
};

} // namespace

TEST_CASE_METHOD(open_folder, "a container is shown what a path leads to", "[sandbox][container]") {
  const std::string path = dir / "data/file";
  CHECK(shown_path(path, task) == fs::canonical(path));
  fs::create_symlink("data", dir / "link");
  CHECK(shown_path(dir / "link/file", task) == fs::canonical(path));
  CHECK(shown_path(dir / "none", task).error().code == core::errc::not_found);
}

TEST_CASE_METHOD(open_folder, "no name leads a container to the machine as a whole",
                 "[sandbox][container]") {
  for (const char* target : {"/", "/proc", "/proc/self", "/dev", "/dev/shm"}) {
    INFO(target);
    CHECK(shown_path(target, task).error().code == core::errc::permission_denied);
    const fs::path link = dir / "link";
    fs::remove(link);
    fs::create_symlink(target, link);
    CHECK(shown_path(link, task).error().code == core::errc::permission_denied);
  }
  CHECK(shown_path("/dev/null", task) == "/dev/null");
}

TEST_CASE_METHOD(open_folder, "a container is shown nothing that its user cannot reach",
                 "[sandbox][container]") {
  const std::string path = dir / "data/file";
  fs::permissions(dir / "data", fs::perms(0700));
  CHECK_THAT(refusal(path), Contains("may not enter"));
  fs::permissions(dir / "data", fs::perms(0711));
  CHECK(refusal(path) == "shown");
  fs::permissions(path, fs::perms(0600));
  CHECK(refusal(path) == "shown");
  CHECK_THAT(refusal(path, true), Contains("may not read"));
}

TEST_CASE_METHOD(open_folder, "a container is shown nothing that somebody could exchange",
                 "[sandbox][container]") {
  const std::string path = dir / "data/file";
  fs::permissions(dir / "data", fs::perms(0777));
  CHECK_THAT(refusal(path), Contains("others may change"));
  fs::permissions(dir / "data", fs::perms(01777));
  CHECK(refusal(path) == "shown");
  MAZE_NEEDS(::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root"));
  REQUIRE(::chown(path.c_str(), task.uid, task.gid) == 0);
  CHECK_THAT(refusal(path), Contains("another one in its place"));
  fs::permissions(dir / "data", fs::perms(0755));
  CHECK(refusal(path) == "shown");
  REQUIRE(::chown((dir / "data").c_str(), task.uid, task.gid) == 0);
  CHECK_THAT(refusal(path), Contains("somebody else owns"));
}
