#include "maze/io/private_files.hpp"

#include "support/in_child.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using core::errc;

namespace {

::mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::optional<std::string> not_as_root() {
  return ::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root");
}

} // namespace

TEST_CASE("a private folder is made for its owner alone", "[io][private_files]") {
  const test::scratch_dir dir;
  REQUIRE(io::open_private_folder(dir / "keys"));
  CHECK(mode_of(dir / "keys") == 0700);
  CHECK(io::open_private_folder(dir / "keys"));
  CHECK_FALSE(io::open_private_folder(dir / "missing" / "keys"));
}

TEST_CASE("a folder or file that lets others in is refused with a remedy", "[io][private_files]") {
  const test::scratch_dir dir;
  const auto file = dir / "key";
  REQUIRE(io::replace_file(file, "secret", 0600));
  CHECK(io::read_private(file, 6) == std::string("secret"));
  CHECK(io::read_private(file, 5).error().code == errc::limit_exceeded);
  CHECK(io::read_private(dir / "none", 5).error().code == errc::not_found);
  for (const ::mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    const auto refused = io::read_private(file, 6);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::permission_denied);
    CHECK_THAT(refused.error().message, Catch::Contains("chmod 600 '" + file.native() + "'"));
  }
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  const auto refused = io::open_private_folder(dir.path());
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("mode 0755") && Catch::Contains("chmod 700"));
}

TEST_CASE("a file that another user planted is refused", "[io][private_files]") {
  MAZE_NEEDS(not_as_root());
  const test::scratch_dir dir;
  const auto file = dir / "key";
  REQUIRE(io::replace_file(file, "secret", 0600));
  REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  const auto refused = io::read_private(file, 6);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("belongs to user 12345, not to user 0"));
}
