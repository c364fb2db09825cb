#include "maze/io/bulk_client.hpp"

#include "support/bulk_pair.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using fixture = test::bulk_pair;

namespace {

/// Lets `bytes` bytes through from the peer, then breaks.
class breaking_stream final : public io::byte_stream {
public:
  breaking_stream(std::unique_ptr<io::byte_stream> inner, std::size_t bytes)
      : inner_(std::move(inner)), left_(bytes) {}
  core::result<std::size_t> read_some(std::span<char> room, io::stream_deadline until) override {
    if (left_ == 0)
      return core::fail(core::errc::transfer_error, "the line broke");
    auto got = inner_->read_some(room.first(std::min(room.size(), left_)), until);
    left_ -= got.value_or(left_);
    return got;
  }
  core::result<void> write_all(std::string_view bytes, io::stream_deadline until) override {
    return inner_->write_all(bytes, until);
  }
  core::result<void> send_file(int file, std::uint64_t offset, std::uint64_t length,
                               io::stream_deadline until) override {
    return inner_->send_file(file, offset, length, until);
  }
  void shut_down() noexcept override { inner_->shut_down(); }

private:
  std::unique_ptr<io::byte_stream> inner_;
  std::size_t left_;
};

std::uint64_t bytes_of(const std::vector<core::blob_id>& blobs) {
  std::uint64_t sum = 0;
  for (const auto& blob : blobs)
    sum += blob.size;
  return sum;
}

} // namespace

TEST_CASE_METHOD(fixture, "blobs of all sizes are fetched once", "[io][bulk_client]") {
  const auto blobs = fill(*there);
  const auto credit = GENERATE(std::uint64_t{1}, std::uint64_t{100000}, std::uint64_t{32} << 20);
  auto sut = client({.fetch = {.credit = credit, .range_max = 1 << 20}});
  const auto first = sut.get(blobs, *here, {}).value();
  CHECK(first.failures.empty());
  CHECK(first.blobs_moved == blobs.size());
  CHECK(first.bytes_moved == bytes_of(blobs));
  CHECK(all_good(*here, blobs));
  CHECK(fs::is_empty(dir / "here/tmp"));
  const auto second = sut.get(blobs, *here, {}).value();
  CHECK(second.blobs_moved == 0);
  CHECK(second.bytes_moved == 0);
  CHECK(sut.bytes_received() == bytes_of(blobs));
}

TEST_CASE_METHOD(fixture, "blobs of all sizes are sent once", "[io][bulk_client]") {
  const auto blobs = fill(*here);
  auto sut = client();
  const auto first = sut.put(blobs, *here, {}).value();
  CHECK(first.failures.empty());
  CHECK(first.blobs_moved == blobs.size());
  CHECK(first.bytes_moved == bytes_of(blobs));
  CHECK(all_good(*there, blobs));
  CHECK(sut.have(blobs, {}).value() == std::vector<bool>(blobs.size(), true));
  const auto second = sut.put(blobs, *here, {}).value();
  CHECK(second.blobs_moved == 0);
  CHECK(second.bytes_moved == 0);
}

TEST_CASE("a store that syncs to disk takes blobs from a peer", "[io][bulk_client]") {
  const test::scratch_dir dir;
  auto from = io::blob_store::open(dir / "from", {.durable = false}).value();
  auto to = io::blob_store::open(dir / "to", {.durable = true}).value();
  io::bulk_server server(to, {}, nullptr);
  test::stream_pair ends;
  REQUIRE(server.serve(std::move(ends.far), {.may_put = true}, "tester"));
  io::bulk_client sut(std::move(ends.near), {});
  REQUIRE(from->put_bytes("content"));
  const std::vector blobs{fixture::id_of("content")};
  CHECK(sut.put(blobs, *from, {}).value().blobs_moved == 1);
  CHECK(to->verify(blobs[0].hash));
}

TEST_CASE_METHOD(fixture, "more blobs than one request names are moved", "[io][bulk_client]") {
  std::vector<core::blob_id> blobs;
  for (unsigned i = 0; i < 5000; ++i) {
    const auto stored = here->put_bytes("blob " + std::to_string(i)).value();
    blobs.push_back({.hash = stored.hash, .size = stored.size});
  }
  auto sut = client();
  CHECK(sut.have(blobs, {}).value() == std::vector<bool>(blobs.size(), false));
  CHECK(sut.put(blobs, *here, {}).value().blobs_moved == 5000);
  CHECK(sut.have(blobs, {}).value() == std::vector<bool>(blobs.size(), true));
}

TEST_CASE_METHOD(fixture, "a transfer that broke off goes on where it stopped",
                 "[io][bulk_client]") {
  const auto large = content(9000000);
  REQUIRE(there->put_bytes(large));
  const auto broken_at = GENERATE(std::size_t{10}, std::size_t{1000000}, std::size_t{8999000});
  io::bulk_client sut(std::make_unique<breaking_stream>(connect(), broken_at), {});
  const std::vector wanted{id_of("small"), id_of(large)};
  REQUIRE(there->put_bytes("small"));
  CHECK(sut.get(wanted, *here, {}).error().code == core::errc::transfer_error);
  CHECK(here->has(id_of("small").hash) == (broken_at > 10));
  const auto before = sut.bytes_received();
  sut.reconnect(connect());
  const auto report = sut.get(wanted, *here, {}).value();
  CHECK(report.failures.empty());
  CHECK(before + report.bytes_moved == large.size() + 5);
  CHECK(all_good(*here, wanted));
  CHECK(fs::is_empty(dir / "here/tmp"));
}

TEST_CASE_METHOD(fixture, "a damaged blob is dropped and named, the others arrive",
                 "[io][bulk_client]") {
  const auto size = GENERATE(std::size_t{100}, std::size_t{1000000});
  const auto bad = content(size);
  const auto good = content(size, 1);
  REQUIRE(there->put_bytes(bad));
  REQUIRE(there->put_bytes(good));
  std::fstream(there->path_of(id_of(bad).hash), std::ios::in | std::ios::out) << "damage";
  auto sut = client();
  const auto report = sut.get(std::vector{id_of(bad), id_of(good)}, *here, {}).value();
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].blob == id_of(bad));
  CHECK(report.failures[0].why.code == core::errc::transfer_error);
  CHECK_FALSE(here->has(id_of(bad).hash));
  CHECK(all_good(*here, {id_of(good)}));
  CHECK(fs::is_empty(dir / "here/tmp"));
}

TEST_CASE_METHOD(fixture, "what the peer lacks is named, the others arrive", "[io][bulk_client]") {
  const auto large = content(20000000, 3);
  REQUIRE(there->put_bytes("there"));
  auto shorter = id_of("there");
  shorter.size = 50;
  auto sut = client();
  const auto report =
      sut.get(std::vector{id_of("absent"), id_of(large), id_of("there")}, *here, {}).value();
  REQUIRE(report.failures.size() == 2);
  CHECK(report.failures[0].why.code == core::errc::not_found);
  CHECK(all_good(*here, {id_of("there")}));
  REQUIRE(sut.get(std::vector{shorter}, *here, {}).value().failures.size() == 1);
}

TEST_CASE_METHOD(fixture, "what the sender lost itself is named, the others are sent",
                 "[io][bulk_client]") {
  REQUIRE(here->put_bytes("first"));
  REQUIRE(here->put_bytes("last"));
  auto sut = client();
  const auto report =
      sut.put(std::vector{id_of("first"), id_of("absent"), id_of("last")}, *here, {}).value();
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].blob == id_of("absent"));
  CHECK(report.blobs_moved == 2);
  CHECK(all_good(*there, {id_of("first"), id_of("last")}));
}

TEST_CASE_METHOD(fixture, "a damaged blob is not taken by the other side", "[io][bulk_client]") {
  const auto size = GENERATE(std::size_t{100}, std::size_t{1000000});
  const auto bad = content(size);
  REQUIRE(here->put_bytes(bad));
  std::fstream(here->path_of(id_of(bad).hash), std::ios::in | std::ios::out) << "damage";
  auto sut = client();
  const auto report = sut.put(std::vector{id_of(bad)}, *here, {}).value();
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].why.code == core::errc::transfer_error);
  CHECK_FALSE(there->has(id_of(bad).hash));
  CHECK(fs::is_empty(dir / "there/tmp"));
}

TEST_CASE_METHOD(fixture, "documents come from memory and nowhere else", "[io][bulk_client]") {
  const auto large = content(3000000);
  server.documents().put("run/1", large);
  server.documents().put("run/2", "");
  auto sut = client();
  CHECK(sut.document("run/1", {}).value() == large);
  CHECK(sut.document("run/2", {}).value().empty());
  server.documents().forget("run/1");
  CHECK(sut.document("run/1", {}).error().code == core::errc::not_found);
  sut.reconnect(connect());
  server.documents().put("run/2", "again");
  CHECK(sut.document("run/2", {}).value() == "again");
  auto bounded = client({.document_max = 4});
  CHECK(bounded.document("run/2", {}).error().code == core::errc::limit_exceeded);
}

TEST_CASE_METHOD(fixture, "a peer without the right gets neither in nor at documents",
                 "[io][bulk_client]") {
  rights = {};
  server.documents().put("run/1", "secret");
  const auto blobs = fill(*here);
  auto sut = client();
  CHECK(sut.put(blobs, *here, {}).error().code == core::errc::permission_denied);
  CHECK_FALSE(there->has(blobs[0].hash));
  sut.reconnect(connect());
  CHECK(sut.document("run/1", {}).error().code == core::errc::permission_denied);
}

TEST_CASE_METHOD(fixture, "a stop request ends a transfer", "[io][bulk_client]") {
  test::stream_pair silent;
  io::bulk_client sut(std::move(silent.near), {});
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  const auto done = sut.get(std::vector{id_of("x")}, *here, stop.get_token());
  other.join();
  CHECK(done.error().code == core::errc::cancelled);
  CHECK(sut.document("x", stop.get_token()).error().code == core::errc::cancelled);
}

TEST_CASE_METHOD(fixture, "a peer that falls silent is given up", "[io][bulk_client]") {
  test::stream_pair silent;
  io::bulk_client sut(std::move(silent.near), {.limits = {.idle = 20ms, .frame = 20ms}});
  CHECK(sut.get(std::vector{id_of("x")}, *here, {}).error().code == core::errc::transfer_error);
}
