#include "maze/io/hash.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <random>
#include <thread>
#include <unistd.h>

using namespace maze;

namespace {

std::string seeded_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string out(size, '\0');
  for (auto& c : out)
    c = static_cast<char>(random());
  return out;
}

} // namespace

// Source: the published XXH3-128 vectors of the empty input with seed 0 (xxhash.h, sanity tests).
TEST_CASE("the hash of nothing is the published one", "[io][hash]") {
  CHECK(to_string(io::hash_bytes("")) == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("a hash does not depend on how the content is cut", "[io][hash]") {
  const auto content = seeded_bytes(100000, 1);
  const auto whole = io::hash_bytes(content);
  const auto seed = GENERATE(range(0U, 20U));
  INFO("seed = " << seed);
  std::mt19937 random(seed);
  io::hasher pieces;
  for (std::size_t at = 0; at < content.size();) {
    const auto length = std::min<std::size_t>(random() % 5000, content.size() - at);
    pieces.update(std::string_view(content).substr(at, length));
    at += length;
  }
  CHECK(pieces.finish() == whole);
}

TEST_CASE("one changed bit changes the hash", "[io][hash]") {
  for (const std::size_t size : {1U, 16U, 17U, 128U, 240U, 241U, 4096U, 300000U}) {
    auto content = seeded_bytes(size, 2);
    const auto before = io::hash_bytes(content);
    content[size / 2] = static_cast<char>(content[size / 2] ^ 1);
    CHECK(io::hash_bytes(content) != before);
  }
}

TEST_CASE("a file's hash is that of its bytes, wherever the descriptor stands", "[io][hash]") {
  const test::scratch_dir dir;
  for (const std::size_t size : {0U, 1U, 262144U, 262145U, 1000000U}) {
    const auto content = seeded_bytes(size, 3);
    REQUIRE(io::replace_file(dir / "f", content));
    const io::unique_fd fd(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(fd);
    ::lseek(fd.get(), 0, SEEK_END);
    const auto seen = io::hash_file(fd.get());
    REQUIRE(seen);
    CHECK(seen->size == size);
    CHECK(seen->hash == io::hash_bytes(content));
  }
}

TEST_CASE("a descriptor that cannot be read is an error", "[io][hash]") {
  const io::unique_fd folder(::open("/", O_RDONLY | O_CLOEXEC));
  const auto seen = io::hash_file(folder.get());
  REQUIRE_FALSE(seen);
  CHECK(seen.error().code == core::errc::io_error);
}

TEST_CASE("a hole is hashed as the zeros that it reads as", "[io][hash]") {
  const test::scratch_dir dir("/dev/shm");
  constexpr std::size_t size = 3000001;
  std::string content(size, '\0');
  const io::unique_fd fd(::open((dir / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::ftruncate(fd.get(), size) == 0);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1} << 20, std::size_t{2} << 20}) {
    content.replace(at, 4, "data");
    REQUIRE(::pwrite(fd.get(), "data", 4, static_cast<off_t>(at)) == 4);
    const auto seen = io::hash_file(fd.get());
    REQUIRE(seen);
    CHECK(seen->size == size);
    CHECK(seen->hash == io::hash_bytes(content));
  }
}

TEST_CASE("hashing a huge file ends soon after it is asked to stop", "[io][hash]") {
  const test::scratch_dir dir("/dev/shm");
  const io::unique_fd fd(::open((dir / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(::ftruncate(fd.get(), off_t{1} << 40) == 0);
  std::stop_source stop;
  std::thread later([&] {
    std::this_thread::yield();
    stop.request_stop();
  });
  const auto seen = io::hash_file(fd.get(), stop.get_token());
  later.join();
  REQUIRE_FALSE(seen);
  CHECK(seen.error().code == core::errc::cancelled);
}

TEST_CASE("the SHA-256 of a file is the one that everybody else computes", "[io][hash]") {
  // The first three are examples of NIST; the last is `head -c 1000000 /dev/zero | sha256sum`.
  const test::scratch_dir dir;
  const auto sha256 = [&](const auto& fill) {
    const io::unique_fd fd(::open((dir / "file").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    fill(fd.get());
    const std::string sum = io::sha256_file(fd.get()).value();
    std::string hex;
    for (const char byte : sum)
      hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return hex;
  };
  CHECK(sha256([](int) {}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256([](int fd) { REQUIRE(io::write_all(fd, "abc")); })
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256([](int fd) { REQUIRE(io::write_all(fd, std::string(1'000'000, 'a'))); })
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(sha256([](int fd) { REQUIRE(::ftruncate(fd, 1'000'000) == 0); })
        == "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025");
  std::stop_source stop;
  stop.request_stop();
  const io::unique_fd fd(::open((dir / "file").c_str(), O_RDONLY));
  CHECK(io::sha256_file(fd.get(), stop.get_token()).error().code == core::errc::cancelled);
}
