#include "maze/io/ordered_intake.hpp"

#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <fcntl.h>
#include <fstream>

using namespace maze;

namespace {

struct intake_fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  std::stop_source stop;
  std::vector<std::string> heard;

  io::unique_fd file(const std::string& content) const {
    const auto path = dir / "file";
    std::filesystem::remove(path);
    std::ofstream(path) << content;
    return io::unique_fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  /// Every third one is large.
  static std::string content(int number) {
    return std::string(number % 3 == 0 ? 300'000 : 10, 'x') + std::to_string(number);
  }
  core::result<void> add(io::ordered_intake& sut, int number) {
    return sut.add(file(content(number)), [this, number](const auto& stored) -> core::result<void> {
      if (!stored)
        return core::fail(stored.error());
      CHECK(stored->hash == io::hash_bytes(content(number)));
      heard.push_back(std::to_string(number));
      return {};
    });
  }
};

} // namespace

TEST_CASE_METHOD(intake_fixture, "files are told of in their order, however many threads copy them",
                 "[io][intake]") {
  const std::size_t threads = GENERATE(0, 1, 3);
  const int count = GENERATE(0, 1, 5, 200);
  io::ordered_intake sut(*store, stop.get_token(), threads);
  std::vector<std::string> expected;
  for (int i = 0; i < count; ++i) {
    REQUIRE(add(sut, i));
    expected.push_back(std::to_string(i));
  }
  REQUIRE(sut.finish());
  CHECK(heard == expected);
  for (int i = 0; i < count; ++i)
    CHECK(store->has(io::hash_bytes(content(i))));
}

TEST_CASE_METHOD(intake_fixture, "it can be filled again after its end", "[io][intake]") {
  io::ordered_intake sut(*store, stop.get_token());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i)
      REQUIRE(add(sut, i));
    REQUIRE(sut.finish());
    CHECK(heard.size() == static_cast<std::size_t>(20 * (round + 1)));
  }
}

TEST_CASE_METHOD(intake_fixture, "the first refusal is the last that is told", "[io][intake]") {
  io::ordered_intake sut(*store, stop.get_token(), GENERATE(0, 2));
  core::result<void> done;
  int added = 0;
  for (; done && added < 100; ++added)
    done = sut.add(file(std::to_string(added)), [this](const auto&) -> core::result<void> {
      heard.emplace_back("x");
      return heard.size() == 7 ? core::result<void>(core::fail(core::errc::file_conflict, "seven"))
                               : core::result<void>();
    });
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "seven");
  CHECK(sut.finish());
  CHECK(heard.size() == 7);
}

TEST_CASE_METHOD(intake_fixture, "a stop request ends what is copied", "[io][intake]") {
  io::ordered_intake sut(*store, stop.get_token(), GENERATE(0, 2));
  stop.request_stop();
  core::result<void> done;
  for (int i = 0; done && i < 50; ++i)
    done = add(sut, 3 * i);
  if (done)
    done = sut.finish();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::cancelled);
}

TEST_CASE_METHOD(intake_fixture, "what was not told of is given up", "[io][intake]") {
  {
    io::ordered_intake sut(*store, stop.get_token(), 0);
    for (int i = 0; i < 10; ++i)
      REQUIRE(add(sut, i));
  }
  CHECK(heard.empty());
}
