#include "maze/actors/warm_child.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

using namespace maze;
using namespace maze::actors;

namespace {

std::string message_of(core::call_kind kind, const std::vector<std::uint64_t>& numbers) {
  core::call_message_writer writer;
  for (const std::uint64_t each : numbers)
    writer.add(each, 0, "payload");
  std::string out;
  writer.finish(kind, out);
  return out;
}

core::result<void> answer(warm_calls& sut, const std::vector<std::uint64_t>& numbers) {
  const std::string bytes = message_of(core::call_kind::replies, numbers);
  return sut.answered(core::call_message_view::of(bytes).value());
}

/// The books of a child that was sent the calls 10 to 14 and is the test itself.
struct child_fixture {
  warm_calls sut = warm_calls::make().value();

  child_fixture() {
    REQUIRE(sut.sent(message_of(core::call_kind::calls, {10, 11})));
    REQUIRE(sut.sent(message_of(core::call_kind::calls, {12, 13, 14})));
  }
  void begin(std::uint64_t count) const {
    REQUIRE(::pwrite(sut.page()->get(), &count, sizeof count, 0) == sizeof count);
  }
};

} // namespace

TEST_CASE_METHOD(child_fixture, "calls are open until they are answered, in their order",
                 "[actors][warm_child]") {
  CHECK(sut.open() == 5);
  CHECK(sut.done() == 0);
  CHECK(answer(sut, {10}));
  CHECK(answer(sut, {11, 12}));
  // A message without a reply says nothing that a child has to say.
  CHECK_FALSE(answer(sut, {}));
  CHECK(sut.open() == 2);
  CHECK(sut.done() == 3);
}

TEST_CASE_METHOD(child_fixture, "a child says how much memory it has, and finds a token",
                 "[actors][warm_child]") {
  CHECK(sut.memory() == 0);
  const std::uint64_t bytes = 123'456'789;
  REQUIRE(::pwrite(sut.page()->get(), &bytes, sizeof bytes, 8) == sizeof bytes);
  CHECK(sut.memory() == bytes);
  std::uint64_t token = 0;
  REQUIRE(::pread(sut.page()->get(), &token, sizeof token, 16) == sizeof token);
  CHECK(token == sut.token());
  CHECK(warm_calls::make().value().token() != token);
}

TEST_CASE_METHOD(child_fixture, "a call is open from when it is sent to its answer",
                 "[actors][warm_child]") {
  CHECK(sut.is_open(10));
  CHECK(sut.is_open(14));
  CHECK_FALSE(sut.is_open(15));
  CHECK(answer(sut, {10}));
  CHECK_FALSE(sut.is_open(10));
}

TEST_CASE_METHOD(child_fixture, "a child that answers what it was not asked is not believed",
                 "[actors][warm_child]") {
  for (const std::vector<std::uint64_t>& wrong : {std::vector<std::uint64_t>{11},
                                                  {10, 12},
                                                  {10, 11, 12, 13, 14, 15},
                                                  {std::uint64_t{1} << 32}}) {
    const auto refused = answer(sut, wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::worker_crash);
  }
  CHECK(sut.open() == 5);
  CHECK(sut.done() == 0);
}

TEST_CASE_METHOD(child_fixture, "only calls are sent", "[actors][warm_child]") {
  for (const std::string& wrong :
       {message_of(core::call_kind::define, {1}), std::string("nonsense"), std::string(),
        message_of(core::call_kind::calls, {1}) + "x"}) {
    const auto refused = sut.sent(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::malformed);
  }
  CHECK(sut.open() == 5);
}

TEST_CASE_METHOD(child_fixture, "the call at work is the last one that began",
                 "[actors][warm_child]") {
  CHECK(sut.culprit() == std::nullopt);
  begin(1);
  CHECK(sut.culprit() == 10);
  begin(4);
  CHECK(sut.culprit() == 13);
  CHECK(answer(sut, {10, 11}));
  CHECK(sut.culprit() == 13);
  begin(5);
  CHECK(sut.culprit() == 14);
}

TEST_CASE_METHOD(child_fixture, "a call that was answered is not to blame",
                 "[actors][warm_child]") {
  begin(2);
  CHECK(answer(sut, {10, 11}));
  CHECK(sut.culprit() == std::nullopt);
}

TEST_CASE_METHOD(child_fixture, "a child that counts what it was not given blames nobody",
                 "[actors][warm_child]") {
  for (const std::uint64_t count : {std::uint64_t{6}, ~std::uint64_t{0}}) {
    begin(count);
    CHECK(sut.culprit() == std::nullopt);
  }
  CHECK(answer(sut, {10, 11}));
  // Fewer than it has answered.
  begin(1);
  CHECK(sut.culprit() == std::nullopt);
}

TEST_CASE("the page is as large as it was made, and starts with zero", "[actors][warm_child]") {
  const warm_calls sut = warm_calls::make().value();
  CHECK(::lseek(sut.page()->get(), 0, SEEK_END) == 4096);
  // A child that could shrink it would end the node by SIGBUS.
  CHECK(::ftruncate(sut.page()->get(), 0) != 0);
  CHECK(::ftruncate(sut.page()->get(), 1 << 20) != 0);
  CHECK(sut.open() == 0);
  CHECK(sut.culprit() == std::nullopt);
}
