#include "maze/io/file_copy.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
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
