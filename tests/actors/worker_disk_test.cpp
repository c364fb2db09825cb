// What an attempt may write into its folder.
#include "support/worker_fixture.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace maze;
using namespace maze::actors;
using test::worker_fixture;
using told = test::told_attempt;

namespace {

core::task_spec writing(const std::string& script, std::uint64_t limit) {
  auto out = test::shell("writes", script);
  out.sandbox.disk = core::byte_count{limit};
  return out;
}

} // namespace

TEST_CASE_METHOD(worker_fixture, "an attempt that writes less than its limit publishes it",
                 "[actors][worker]") {
  start(writing("head -c 100000 /dev/zero > a; head -c 100000 /dev/zero > b", 1'000'000));
  order();
  const told seen = wait();
  REQUIRE(seen.published);
  CHECK(seen.published->files.written.size() == 2);
  CHECK(seen.published->isolation.has(core::fence::disk_watch));
}

TEST_CASE_METHOD(worker_fixture, "files that are too much together end an attempt that goes on",
                 "[actors][worker]") {
  // Each alone would be within the limit. It writes for as long as it lives.
  start(writing("i=0; while :; do head -c 50000 /dev/zero > $i; i=$((i+1)); done", 1'000'000));
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::limit_exceeded);
  CHECK(seen.lost->reason.message.find("1MB") != std::string::npos);
}

TEST_CASE_METHOD(worker_fixture, "an attempt that was done before anybody looked is held to it too",
                 "[actors][worker]") {
  start(writing("for i in 1 2 3 4 5; do head -c 90000 /dev/zero > $i; done; mkdir shut; mv 1 2 "
                "shut; chmod 0 shut",
                200'000));
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::limit_exceeded);
}

TEST_CASE_METHOD(worker_fixture, "a single file never grows beyond the limit", "[actors][worker]") {
  start(writing("head -c 1000000 /dev/zero > a", 100'000));
  order();
  const told seen = wait();
  REQUIRE(seen.lost);
}

TEST_CASE_METHOD(worker_fixture, "what an attempt was given does not count", "[actors][worker]") {
  const auto blob = blobs->put_bytes(std::string(500'000, 'x')).value();
  start(writing("cat in.txt > /dev/null; echo x > out.txt", 100'000), {},
        {{"in.txt", {.hash = blob.hash, .size = blob.size}}});
  order();
  CHECK(wait().published);
}
