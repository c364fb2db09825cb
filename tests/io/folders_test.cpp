#include "maze/io/folders.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

io::unique_fd opened(const fs::path& path) { return io::open_folder(AT_FDCWD, path).value(); }

/// Paths in the order of the walk; folders end in `/` when they are left.
std::vector<std::string> walked_paths(const fs::path& root) {
  std::vector<std::string> seen;
  const auto done =
      io::walk(opened(root), {.visit =
                                  [&](const io::walked& x) {
                                    seen.push_back(x.path);
                                    return io::walk_step::go_on;
                                  },
                              .leave = [&](const io::walked& x) -> core::result<void> {
                                seen.push_back(x.path + '/');
                                return {};
                              }});
  REQUIRE(done);
  return seen;
}

std::size_t open_descriptors() { return io::names_in(opened("/proc/self/fd").get())->size(); }

/// A chain of folders below `root`, far deeper than PATH_MAX can name.
void nest(const fs::path& root, int depth, const std::string& name) {
  auto here = opened(root);
  for (int i = 0; i < depth; ++i)
    here = io::make_folder(here.get(), name, 0700).value();
  const io::unique_fd file(::openat(here.get(), "end", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  REQUIRE(file);
}

} // namespace

TEST_CASE("a walk sees folders before and after what they hold", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directories(dir / "a/b");
  std::ofstream(dir / "a/b/c") << "x";
  CHECK(walked_paths(dir.path()) == std::vector<std::string>{"a", "a/b", "a/b/c", "a/b/", "a/"});
}

TEST_CASE("a walk follows no symlink", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directory_symlink("/etc", dir / "link");
  CHECK(walked_paths(dir.path()) == std::vector<std::string>{"link"});
  CHECK_FALSE(io::open_folder(AT_FDCWD, dir / "link"));
  CHECK_FALSE(io::make_folder(AT_FDCWD, dir / "link", 0700));
}

TEST_CASE("a skipped folder stays unseen", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directories(dir / "a/b");
  int seen = 0;
  REQUIRE(io::walk(opened(dir.path()), {.visit = [&](const io::walked&) {
                     ++seen;
                     return io::walk_step::skip;
                   }}));
  CHECK(seen == 1);
}

TEST_CASE("an error of the visitor ends the walk", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directories(dir / "a");
  const auto done =
      io::walk(opened(dir.path()), {.visit = [](const io::walked&) -> core::result<io::walk_step> {
                 return core::fail(core::errc::cancelled, "enough");
               }});
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "enough");
}

TEST_CASE("any depth and any name can be walked and removed", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directory(dir / "top");
  const std::string name = GENERATE(std::string("d"), std::string(255, 'n'), "new\nline\xff");
  nest(dir / "top", 1100, name);
  std::size_t deepest = 0;
  std::size_t folders = 0;
  std::size_t most_open = 0;
  const auto before = open_descriptors();
  REQUIRE(io::walk(opened(dir / "top"), {.visit =
                                             [&](const io::walked& x) {
                                               deepest = std::max(deepest, x.path.size());
                                               most_open = std::max(most_open, open_descriptors());
                                               return io::walk_step::go_on;
                                             },
                                         .leave = [&](const io::walked& x) -> core::result<void> {
                                           folders += x.name == name ? 1 : 0;
                                           return {};
                                         }}));
  CHECK(folders == 1100);
  CHECK(deepest == 1100 * (name.size() + 1) + 3);
  CHECK(most_open <= before + 70);
  CHECK(open_descriptors() == before);
  CHECK(io::remove_tree(opened(dir.path()).get(), "top"));
  CHECK_FALSE(fs::exists(dir / "top"));
}

TEST_CASE("a folder that denies everything is removed all the same", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directories(dir / "locked/inner");
  std::ofstream(dir / "locked/inner/file") << "x";
  fs::permissions(dir / "locked/inner", fs::perms::none);
  fs::permissions(dir / "locked", fs::perms::none);
  CHECK(io::remove_tree(opened(dir.path()).get(), "locked"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("removing takes files, links and absence alike", "[io][folders]") {
  const test::scratch_dir dir;
  fs::create_directory(dir / "kept");
  std::ofstream(dir / "kept/file") << "x";
  fs::create_directory_symlink("kept", dir / "link");
  const auto here = opened(dir.path());
  CHECK(io::remove_tree(here.get(), "link"));
  CHECK(io::remove_tree(here.get(), "absent"));
  CHECK(fs::exists(dir / "kept/file"));
  CHECK(io::remove_content(opened(dir / "kept")));
  CHECK(fs::is_empty(dir / "kept"));
  CHECK(io::remove_tree(here.get(), "kept"));
  CHECK(fs::is_empty(dir.path()));
}

TEST_CASE("a folder is made with those above it, and its mode is what was asked for",
          "[io][folders]") {
  const test::scratch_dir dir;
  const auto path = dir.path() / "a" / "b";
  const auto before = ::umask(077);
  CHECK(io::make_folders(path, 0711));
  CHECK(io::make_folders(path));
  ::umask(before);
  CHECK((static_cast<unsigned>(fs::status(path).permissions()) & 07777U) == 0711);
  std::ofstream(dir.path() / "file") << "x";
  const auto refused = io::make_folders(dir.path() / "file" / "below");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("file/below") != std::string::npos);
}
