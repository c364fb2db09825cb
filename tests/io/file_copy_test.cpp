#include "maze/io/file_copy.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;

namespace {

std::string copy_of(const std::filesystem::path& from, const std::filesystem::path& to) {
  const io::unique_fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const io::unique_fd target(::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  ::lseek(source.get(), 1, SEEK_SET);
  REQUIRE(io::copy_content(source.get(), target.get()));
  return io::read_all(target.get(), 1 << 24).value();
}

} // namespace

TEST_CASE("a copy has every byte, wherever the source stood", "[io][file_copy]") {
  const test::scratch_dir dir;
  const test::scratch_dir memory("/dev/shm");
  for (const std::size_t size : {0U, 1U, 4096U, 1048576U, 3000001U}) {
    std::string content(size, 'a');
    for (std::size_t i = 0; i < size; i += 101)
      content[i] = static_cast<char>(i);
    REQUIRE(io::replace_file(dir / "f", content));
    CHECK(copy_of(dir / "f", dir / "same") == content);
    CHECK(copy_of(dir / "f", memory / "other") == content);
    CHECK(copy_of(memory / "other", dir / "back") == content);
  }
}

TEST_CASE("a file whose size the kernel does not tell is copied whole", "[io][file_copy]") {
  const test::scratch_dir dir;
  CHECK(copy_of("/proc/self/status", dir / "status").rfind("Name:", 0) == 0);
}

TEST_CASE("a folder cannot be copied as a file", "[io][file_copy]") {
  const test::scratch_dir dir;
  const io::unique_fd source(::open("/", O_RDONLY | O_CLOEXEC));
  const io::unique_fd target(::open((dir / "t").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  CHECK_FALSE(io::copy_content(source.get(), target.get()));
}

TEST_CASE("a copy has holes where the source has them, also on another file system",
          "[io][file_copy]") {
  const test::scratch_dir disk;
  const test::scratch_dir memory("/dev/shm");
  const io::unique_fd source(::open((memory / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  constexpr off_t size = off_t{1} << 40;
  constexpr off_t middle = size / 2 + 17;
  REQUIRE(::pwrite(source.get(), "data", 4, middle) == 4);
  REQUIRE(::ftruncate(source.get(), size) == 0);
  for (const auto& path : {memory / "copy", disk / "copy"}) {
    const io::unique_fd target(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(io::copy_content(source.get(), target.get()));
    struct stat status {};
    REQUIRE(::fstat(target.get(), &status) == 0);
    CHECK(status.st_size == size);
    CHECK(status.st_blocks * 512 < 1 << 20);
    std::string read(6, '?');
    REQUIRE(::pread(target.get(), read.data(), read.size(), middle - 1) == 6);
    CHECK(read == std::string("\0data\0", 6));
  }
}

TEST_CASE("a copy that is asked to stop says so", "[io][file_copy]") {
  const test::scratch_dir dir;
  const test::scratch_dir memory("/dev/shm");
  REQUIRE(io::replace_file(dir / "f", std::string(5 << 20, 'x')));
  const io::unique_fd source(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  const io::unique_fd target(::open((memory / "t").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::stop_source stop;
  stop.request_stop();
  const auto done = io::copy_content(source.get(), target.get(), stop.get_token());
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::cancelled);
}
