#include "maze/io/file_extents.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

using namespace maze;

TEST_CASE("data and holes of a sparse file are told apart", "[io][file_extents]") {
  const test::scratch_dir dir("/dev/shm");
  const io::unique_fd fd(::open((dir / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  constexpr off_t mib = 1 << 20;
  REQUIRE(::pwrite(fd.get(), "data", 4, 4 * mib) == 4);
  REQUIRE(::ftruncate(fd.get(), 16 * mib) == 0);
  const auto first = io::next_extent(fd.get(), 0);
  CHECK(first.begin == 4 * mib);
  CHECK(first.end > 4 * mib);
  CHECK(first.end < 16 * mib);
  CHECK(io::next_extent(fd.get(), first.end) == io::extent{16 * mib, 16 * mib});
  CHECK(io::next_extent(fd.get(), 20 * mib) == io::extent{20 * mib, 20 * mib});
}

TEST_CASE("a file without a size that is to be trusted has to be read", "[io][file_extents]") {
  constexpr auto end = std::numeric_limits<off_t>::max();
  const io::unique_fd status(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  CHECK(io::next_extent(status.get(), 7) == io::extent{7, end});
  const io::unique_fd folder(::open("/", O_RDONLY | O_CLOEXEC));
  CHECK(io::next_extent(folder.get(), 0) == io::extent{0, end});
}

TEST_CASE("zeros are zeros", "[io][file_extents]") {
  CHECK(io::zeros().size() == std::size_t{256} << 10);
  CHECK(std::all_of(io::zeros().begin(), io::zeros().end(), [](char c) { return c == 0; }));
}
