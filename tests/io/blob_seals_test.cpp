#include "maze/io/blob_seals.hpp"

#include <catch2/catch.hpp>

using namespace maze;

namespace {

struct stat file(ino_t inode, off_t size, long nanoseconds = 0) {
  struct stat out {};
  out.st_ino = inode;
  out.st_size = size;
  out.st_mtim.tv_nsec = nanoseconds;
  return out;
}

constexpr core::digest blob{1, 2};
const std::string seal(32, 's');

} // namespace

TEST_CASE("a seal is remembered for the file that it was made of", "[io][blob_seals]") {
  io::blob_seals sut;
  CHECK_FALSE(sut.find(blob, file(1, 10)));
  sut.keep(blob, file(1, 10), seal);
  CHECK(sut.find(blob, file(1, 10)) == seal);
  CHECK_FALSE(sut.find(core::digest{2, 1}, file(1, 10)));
}

TEST_CASE("another file under the same name has no seal yet", "[io][blob_seals]") {
  io::blob_seals sut;
  sut.keep(blob, file(1, 10, 7), seal);
  CHECK_FALSE(sut.find(blob, file(2, 10, 7)));
  CHECK_FALSE(sut.find(blob, file(1, 11, 7)));
  CHECK_FALSE(sut.find(blob, file(1, 10, 8)));
}

TEST_CASE("more than the limit are not remembered", "[io][blob_seals]") {
  io::blob_seals sut(2);
  for (std::uint64_t i = 0; i < 3; ++i)
    sut.keep(core::digest{0, i}, file(1, 10), seal);
  CHECK(sut.find(core::digest{0, 2}, file(1, 10)) == seal);
  CHECK_FALSE(sut.find(core::digest{0, 0}, file(1, 10)));
}
