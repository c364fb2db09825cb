#include "maze/io/folder_usage.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/stat.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, std::size_t size) { std::ofstream(path) << std::string(size, 'x'); }

std::uint64_t used(const fs::path& folder, bool force = false) {
  const auto out = io::used_bytes(folder, force);
  REQUIRE(out);
  return *out;
}

} // namespace

TEST_CASE("a folder uses what its files take on disk", "[io][folder_usage]") {
  const test::scratch_dir dir;
  CHECK(used(dir.path()) == 0);
  put(dir / "a", 100'000);
  const auto one = used(dir.path());
  CHECK(one >= 100'000);
  CHECK(one < 200'000);
  fs::create_directories(dir / "deep/er");
  put(dir / "deep/er/b", 100'000);
  CHECK(used(dir.path()) >= 200'000);
}

TEST_CASE("holes cost nothing, a second name of a file neither", "[io][folder_usage]") {
  const test::scratch_dir dir;
  put(dir / "a", 100'000);
  const auto one = used(dir.path());
  fs::create_hard_link(dir / "a", dir / "b");
  fs::create_symlink(dir / "a", dir / "c");
  put(dir / "hole", 1);
  fs::resize_file(dir / "hole", std::uintmax_t{1} << 30);
  CHECK(used(dir.path()) < one + 100'000);
}

TEST_CASE("empty files cost something", "[io][folder_usage]") {
  const test::scratch_dir dir;
  for (int i = 0; i < 100; ++i)
    put(dir / std::to_string(i), 0);
  CHECK(used(dir.path()) >= 100 * 512);
}

TEST_CASE("a folder that nobody may read is looked into by force alone", "[io][folder_usage]") {
  const test::scratch_dir dir;
  fs::create_directory(dir / "shut");
  put(dir / "shut/a", 100'000);
  fs::permissions(dir / "shut", fs::perms::none);
  // Root reads it in any case.
  if (::geteuid() != 0)
    CHECK(used(dir.path()) < 100'000);
  CHECK(used(dir.path(), true) >= 100'000);
  fs::permissions(dir / "shut", fs::perms::owner_all);
}

TEST_CASE("what is no folder is refused", "[io][folder_usage]") {
  const test::scratch_dir dir;
  put(dir / "a", 1);
  CHECK_FALSE(io::used_bytes(dir / "a", false));
  CHECK_FALSE(io::used_bytes(dir / "none", false));
  fs::create_symlink(dir.path(), dir / "link");
  CHECK_FALSE(io::used_bytes(dir / "link", false));
}
