#include "maze/io/file_takeover.hpp"

#include "maze/io/files.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace maze;

namespace {

struct takeover_fixture {
  test::scratch_dir dir;
  std::filesystem::path path = dir / "f";
  bool written = io::replace_file(path, "content", 0755).has_value();
  io::unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};

  struct stat status() {
    struct stat seen {};
    REQUIRE(::fstat(fd.get(), &seen) == 0);
    return seen;
  }
};

std::optional<std::string> is_root() {
  if (::geteuid() == 0)
    return std::nullopt;
  return "only root can give files away";
}

} // namespace

TEST_CASE_METHOD(takeover_fixture, "a file with one name and no writer becomes ours", "[io]") {
  REQUIRE(written);
  ::fsetxattr(fd.get(), "user.note", "x", 1, 0);
  REQUIRE(::fchmod(fd.get(), 06755) == 0);
  CHECK(io::take_over(fd.get(), 0644));
  CHECK((status().st_mode & 07777) == 0644);
  CHECK(::flistxattr(fd.get(), nullptr, 0) <= 0);
}

TEST_CASE_METHOD(takeover_fixture, "a file that somebody can write to is not ours", "[io]") {
  const io::unique_fd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  CHECK_FALSE(io::take_over(fd.get(), 0644));
}

TEST_CASE_METHOD(takeover_fixture, "a file with two names is not ours", "[io]") {
  std::filesystem::create_hard_link(path, dir / "second");
  CHECK_FALSE(io::take_over(fd.get(), 0644));
}

TEST_CASE_METHOD(takeover_fixture, "only a regular file becomes ours", "[io]") {
  fd.reset(::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC));
  CHECK_FALSE(io::take_over(fd.get(), 0644));
}

TEST_CASE_METHOD(takeover_fixture, "root takes over the file of another user", "[io]") {
  MAZE_NEEDS(is_root());
  REQUIRE(::fchown(fd.get(), 60001, 60001) == 0);
  CHECK(io::take_over(fd.get(), 0644));
  CHECK(status().st_uid == 0);
  CHECK(status().st_gid == ::getegid());
}
