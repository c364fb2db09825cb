#include "maze/io/blob_claims.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;

namespace {

constexpr core::digest a{0, 1};
constexpr core::digest b{0, 2};

bool spared(io::blob_claims& claims, const core::digest& blob) {
  return !claims.unless_claimed(blob, [] {});
}

} // namespace

TEST_CASE("a claimed blob is spared, any other is not", "[io][blob_claims]") {
  io::blob_claims sut(1h);
  sut.claim(a);
  CHECK(spared(sut, a));
  CHECK_FALSE(spared(sut, b));
}

TEST_CASE("without a life no claim is kept", "[io][blob_claims]") {
  io::blob_claims sut(0s);
  sut.claim(a);
  CHECK_FALSE(spared(sut, a));
}

TEST_CASE("what is kept is spared for good", "[io][blob_claims]") {
  io::blob_claims sut(0s);
  sut.keep(a);
  CHECK(spared(sut, a));
  CHECK_FALSE(spared(sut, b));
}

TEST_CASE("a claim ends, but not before its time", "[io][blob_claims]") {
  constexpr auto life = 20ms;
  io::blob_claims sut(life);
  for (int i = 0; i < 5; ++i) {
    sut.claim(a);
    const auto since = io::blob_claims::clock::now();
    while (spared(sut, a))
      std::this_thread::yield();
    // Measured after the claim and after the look, so never longer than it was.
    CHECK(io::blob_claims::clock::now() - since >= life - 1ms);
  }
}

TEST_CASE("between the look and the deed nobody gets a claim", "[io][blob_claims]") {
  io::blob_claims sut(1h);
  std::atomic<int> there{1};
  std::atomic<int> found{0};
  std::thread taker([&] {
    sut.claim(a);
    found = there.load();
  });
  const bool removed = sut.unless_claimed(a, [&] { there = 0; });
  taker.join();
  // Whoever claimed first keeps it; whoever came later finds it gone.
  CHECK(found == (removed ? 0 : 1));
}
