#include "maze/io/files.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using io::unique_fd;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

std::size_t entries_of(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace

TEST_CASE("a descriptor is closed once, by its last owner", "[io][files]") {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(raw >= 0);
  {
    unique_fd first(raw);
    unique_fd second(std::move(first));
    CHECK_FALSE(first);
    CHECK(second.get() == raw);
    unique_fd third;
    third = std::move(second);
    CHECK(is_open(raw));
  }
  CHECK_FALSE(is_open(raw));
}

TEST_CASE("a released descriptor stays open", "[io][files]") {
  int raw = -1;
  {
    unique_fd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = owner.release();
  }
  CHECK(is_open(raw));
  unique_fd{raw};
}

TEST_CASE("an error of the system names call, object and number", "[io][files]") {
  const auto missing = io::errno_error("open x", ENOENT);
  CHECK(missing.code == core::errc::io_error);
  CHECK(missing.message == "open x: No such file or directory (errno 2)");
  for (const int number : {ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM})
    CHECK(io::errno_error("write", number).code == core::errc::resource_exhausted);
}

TEST_CASE("a replaced file has the new content and the mode that was asked for", "[io][files]") {
  const test::scratch_dir dir;
  const auto file = dir / "state";
  const auto old_mask = ::umask(0077);
  REQUIRE(io::replace_file(file, "one", 0644));
  ::umask(old_mask);
  CHECK(io::read_file(file, 100).value() == "one");
  const std::string two(100000, 'x');
  REQUIRE(io::replace_file(file, two, 0600, true));
  CHECK(io::read_file(file, 100000).value() == two);
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(entries_of(dir.path()) == 1);
}

TEST_CASE("a file with the longest possible name can be replaced", "[io][files]") {
  const test::scratch_dir dir;
  const auto file = dir / std::string(255, 'n');
  REQUIRE(io::replace_file(file, "x"));
  CHECK(io::read_file(file, 1).value() == "x");
}

TEST_CASE("a replacement that fails leaves nothing behind", "[io][files]") {
  const test::scratch_dir dir;
  std::filesystem::create_directories(dir / "target/full");
  const auto done = io::replace_file(dir / "target", "x");
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("target") != std::string::npos);
  CHECK(entries_of(dir.path()) == 1);
  CHECK_FALSE(io::replace_file(dir / "no/such/folder", "x"));
}

TEST_CASE("reading names the file and what is wrong with it", "[io][files]") {
  const test::scratch_dir dir;
  CHECK(io::read_file(dir / "absent", 10).error().code == core::errc::not_found);
  CHECK(io::read_file(dir.path(), 10).error().code == core::errc::invalid_argument);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK(io::read_file(dir / "pipe", 10).error().code == core::errc::invalid_argument);
  std::ofstream(dir / "ten") << "0123456789";
  CHECK(io::read_file(dir / "ten", 10).value() == "0123456789");
  const auto refused = io::read_file(dir / "ten", 9);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::limit_exceeded);
  CHECK(refused.error().message.find("ten: the file is larger than 9 bytes") != std::string::npos);
}

TEST_CASE("a file whose size the kernel does not tell is read to its end", "[io][files]") {
  const auto status = io::read_file("/proc/self/status", 1 << 20);
  REQUIRE(status);
  CHECK(status->rfind("Name:", 0) == 0);
  CHECK(status->find("Threads:") != std::string::npos);
}
