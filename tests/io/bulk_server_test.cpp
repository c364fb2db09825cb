#include "maze/io/bulk_server.hpp"

#include "support/bulk_pair.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;
using fixture = test::bulk_pair;

namespace {

/// Reads until the server ended the connection.
bool has_ended(io::byte_stream& stream) {
  std::array<char, 4096> room{};
  for (;;) {
    const auto got = stream.read_some(room, test::soon());
    if (!got || *got == 0)
      return got.has_value();
  }
}

} // namespace

TEST_CASE_METHOD(fixture, "several peers are served at once", "[io][bulk_server]") {
  const auto blobs = fill(*there);
  std::vector<std::thread> threads;
  std::array<bool, 3> good{};
  for (std::size_t i = 0; i < good.size(); ++i)
    threads.emplace_back([&, i] {
      auto store =
          io::blob_store::open(dir / ("s" + std::to_string(i)), {.durable = false}).value();
      auto one = client();
      const auto report = one.get(blobs, *store, {});
      good[i] = report && report->failures.empty() && all_good(*store, blobs);
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(good == std::array{true, true, true});
}

TEST_CASE_METHOD(fixture, "two peers that put the same blobs leave them once",
                 "[io][bulk_server]") {
  const auto blobs = fill(*here);
  std::vector<std::thread> threads;
  std::array<bool, 2> good{};
  for (std::size_t i = 0; i < good.size(); ++i)
    threads.emplace_back([&, i] {
      auto one = client();
      const auto report = one.put(blobs, *here, {});
      good[i] = report && report->failures.empty();
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(good == std::array{true, true});
  CHECK(all_good(*there, blobs));
  CHECK(std::filesystem::is_empty(dir / "there/tmp"));
}

TEST_CASE("connections beyond the limit are turned away", "[io][bulk_server]") {
  const test::scratch_dir dir("/dev/shm");
  auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  io::bulk_server sut(store, {.connections_max = 2}, nullptr);
  std::array<test::stream_pair, 3> pairs;
  CHECK(sut.serve(std::move(pairs[0].far), {}, "one"));
  CHECK(sut.serve(std::move(pairs[1].far), {}, "two"));
  const auto refused = sut.serve(std::move(pairs[2].far), {}, "three");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::limit_exceeded);
  CHECK(refused.error().message.find("three") != std::string::npos);
  pairs[0].near->shut_down();
  while (sut.connections() > 1)
    std::this_thread::yield();
  test::stream_pair later;
  CHECK(sut.serve(std::move(later.far), {}, "four"));
}

TEST_CASE_METHOD(fixture, "a shutdown ends all connections and takes no more",
                 "[io][bulk_server]") {
  const auto idle = connect();
  auto busy = client();
  CHECK(busy.have(std::vector{id_of("x")}, {}));
  server.shut_down();
  CHECK(has_ended(*idle));
  CHECK(server.connections() == 0);
  test::stream_pair late;
  CHECK(server.serve(std::move(late.far), {}, "late").error().code == core::errc::cancelled);
  CHECK(log_lines().empty());
}

TEST_CASE("a peer that stalls is given up with one line", "[io][bulk_server]") {
  const test::scratch_dir dir("/dev/shm");
  auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  auto events = io::log::open({.file = dir / "log"}).value();
  io::bulk_server sut(store, {.limits = {.idle = 10s, .frame = 20ms}}, events.get());
  test::stream_pair pair;
  REQUIRE(sut.serve(std::move(pair.far), {}, "the\nslow one"));
  REQUIRE(pair.near->write_all("\x01", test::soon()));
  CHECK(has_ended(*pair.near));
  sut.shut_down();
  events->flush();
  const auto lines = io::read_file(dir / "log", 100000).value();
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 1);
  CHECK(lines.find("in time") != std::string::npos);
}

TEST_CASE("a peer that asks for much and reads nothing is given up", "[io][bulk_server]") {
  const test::scratch_dir dir("/dev/shm");
  auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  io::bulk_server sut(store, {.limits = {.idle = 10s, .frame = 20ms}}, nullptr);
  const auto content = test::bulk_pair::content(4000000);
  REQUIRE(store->put_bytes(content));
  test::stream_pair pair;
  REQUIRE(sut.serve(std::move(pair.far), {}, "greedy"));
  const core::bulk::range_list wanted{
      {{.hash = io::hash_bytes(content), .offset = 0, .length = content.size()}}};
  REQUIRE(pair.near->write_all(core::bulk::frame(1, wanted), test::soon()));
  while (sut.connections() > 0)
    std::this_thread::yield();
  CHECK(sut.traffic().bytes_sent < content.size());
}
