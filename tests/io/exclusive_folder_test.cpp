#include "maze/io/exclusive_folder.hpp"

#include "maze/io/folders.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace maze;
namespace fs = std::filesystem;

namespace {

struct folder_fixture {
  test::scratch_dir dir;
  io::unique_fd parent = io::open_folder(AT_FDCWD, dir.path()).value();

  [[nodiscard]] io::exclusive_folder made(const std::string& prefix = "x") const {
    return io::exclusive_folder::make(parent.get(), prefix).value();
  }
};

} // namespace

TEST_CASE_METHOD(folder_fixture, "each owner has a folder of its own", "[io][exclusive_folder]") {
  const auto one = made(), other = made();
  CHECK(one.name() != other.name());
  CHECK(fs::is_directory(dir / one.name()));
  CHECK(fs::is_directory(dir / other.name()));
  struct stat status {};
  REQUIRE(::fstat(one.fd(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0700);
}

TEST_CASE_METHOD(folder_fixture, "a folder goes with its owner, and with all in it",
                 "[io][exclusive_folder]") {
  auto one = made();
  const auto other = made();
  fs::create_directories(dir / one.name() / "a/b");
  const auto path = dir / one.name();
  io::exclusive_folder moved = std::move(one);
  CHECK(fs::exists(path));
  moved = {};
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::exists(dir / other.name()));
}

TEST_CASE_METHOD(folder_fixture, "what an owner left behind is removed by the next",
                 "[io][exclusive_folder]") {
  const auto kept = {"x-abc", "x-abcdefg", "y-abcdef", "x"};
  for (const char* name : kept)
    fs::create_directories(dir / name / "a");
  fs::create_directories(dir / "x-abcdef" / "a");
  const auto one = made();
  CHECK_FALSE(fs::exists(dir / "x-abcdef"));
  for (const char* name : kept)
    CHECK(fs::exists(dir / name / "a"));
}

TEST_CASE_METHOD(folder_fixture, "a link in the place of one is not followed",
                 "[io][exclusive_folder]") {
  fs::create_directories(dir / "elsewhere/a");
  fs::create_directory_symlink(dir / "elsewhere", dir / "x-abcdef");
  const auto one = made();
  CHECK(fs::exists(dir / "elsewhere/a"));
}

TEST_CASE_METHOD(folder_fixture, "owners on several threads take no folder from each other",
                 "[io][exclusive_folder]") {
  std::vector<std::thread> threads;
  std::atomic<int> lost = 0;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const auto one = made();
        if (::mkdirat(one.fd(), "a", 0700) != 0 || !fs::exists(dir / one.name() / "a"))
          ++lost;
      }
    });
  for (std::thread& each : threads)
    each.join();
  CHECK(lost == 0);
  CHECK(fs::is_empty(dir.path()));
}
