#include "maze/io/bulk_session.hpp"

#include "maze/io/hash.hpp"
#include "support/bulk_pair.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <random>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;
namespace bulk = core::bulk;
using test::bulk_pair;
using test::soon;

namespace {

/// A peer that says what a test wants, to a session that runs beside it.
struct fixture {
  test::scratch_dir dir{"/dev/shm"};
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  io::document_table documents;
  test::stream_pair ends;
  io::bulk_frame_reader answers{*ends.near};

  /// Serves what was written, to the end of the stream, and says how that ended.
  core::result<void> serve(io::bulk_rights rights = {.may_put = true}) {
    io::bulk_session sut(*ends.far, *blobs, documents, rights, {.idle = 5s, .frame = 5s});
    auto done = sut.serve();
    ends.far->shut_down();
    return done;
  }
  void say(std::string_view bytes) { REQUIRE(ends.near->write_all(bytes, soon())); }
  std::optional<io::bulk_frame> answer() {
    return answers.next({}).value_or(std::optional<io::bulk_frame>());
  }
  static std::string part(std::uint32_t request, bulk::part_header header,
                          const std::string& bytes) {
    const auto outer = bulk::encode(bulk::frame_header{
        .kind = bulk::frame_kind::part,
        .request = request,
        .length = static_cast<std::uint32_t>(bytes.size() + bulk::part_header_size)});
    const auto inner = bulk::encode(header);
    return std::string(outer.data(), outer.size()) + std::string(inner.data(), inner.size())
           + bytes;
  }
  static std::string offer(std::vector<core::blob_id> list) {
    return bulk::frame(bulk::frame_kind::put, 1, bulk::blob_list{std::move(list)});
  }
  void check_empty() {
    CHECK(std::filesystem::is_empty(dir / "store/tmp"));
    CHECK(std::filesystem::is_empty(dir / "store/blobs"));
  }
};

const std::string content = "0123456789";

} // namespace

TEST_CASE_METHOD(fixture, "a session ends in peace when its peer does", "[io][bulk_session]") {
  ends.near.reset();
  CHECK(serve());
}

TEST_CASE_METHOD(fixture, "who sends other parts than were due is told and cut off",
                 "[io][bulk_session]") {
  const auto id = bulk_pair::id_of(content);
  const auto [name, lie] = GENERATE_COPY(table<std::string, std::string>(
      {{"another item", part(1, {.item = 1}, content)},
       {"another place", part(1, {.item = 0, .offset = 1}, content.substr(1))},
       {"another request", part(2, {.item = 0}, content)},
       {"too much", part(1, {.item = 0}, content + "!")},
       {"nothing", part(1, {.item = 0}, "")},
       {"a hole", part(1, {.item = 0}, "0123") + part(1, {.item = 0, .offset = 6}, "6789")},
       {"too much later",
        part(1, {.item = 0}, "0123") + part(1, {.item = 0, .offset = 4}, content)},
       {"no part", bulk::frame(1, bulk::presence{})},
       {"a failure of another item", bulk::frame_absent(1, {.item = 4})},
       {"no frame", "GET / HTTP/1.1\r\n\r\n"}}));
  INFO(name);
  say(offer({id, bulk_pair::id_of("other")}) + lie);
  const auto done = serve();
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::malformed);
  REQUIRE(answer()->header.kind == bulk::frame_kind::present);
  CHECK(answer()->header.kind == bulk::frame_kind::refused);
  check_empty();
}

TEST_CASE_METHOD(fixture, "a blob that ends early leaves nothing", "[io][bulk_session]") {
  say(offer({bulk_pair::id_of(content)}) + part(1, {.item = 0}, "0123"));
  ends.near.reset();
  CHECK(serve().error().code == core::errc::transfer_error);
  check_empty();
}

TEST_CASE_METHOD(fixture, "a blob under a wrong hash is reported, those behind it are stored",
                 "[io][bulk_session]") {
  say(offer({bulk_pair::id_of(content), bulk_pair::id_of("other")})
      + part(1, {.item = 0}, "012345678!") + part(1, {.item = 1}, "other"));
  auto told = std::async(std::launch::async, [&] {
    std::pair out{answer(), answer()};
    ends.near->shut_down();
    return out;
  });
  const auto served = serve();
  const auto [first, last] = told.get();
  CHECK(served);
  CHECK(first->header.kind == bulk::frame_kind::present);
  CHECK(last->header.kind == bulk::frame_kind::stored);
  CHECK(bulk::decode_put_result(last->payload).value().failures.size() == 1);
  CHECK(blobs->has(bulk_pair::id_of("other")));
  CHECK_FALSE(blobs->has(bulk_pair::id_of(content)));
}

TEST_CASE_METHOD(fixture, "requests that are none are told and cut off", "[io][bulk_session]") {
  bulk::range_list greedy;
  greedy.ranges.assign(70, {.length = 1 << 20});
  const auto [code, request] = GENERATE_COPY(table<core::errc, std::string>(
      {{core::errc::malformed, bulk::frame(1, bulk::presence{})},
       {core::errc::malformed, bulk::frame(1, bulk::document_size{7})},
       {core::errc::limit_exceeded, bulk::frame(1, greedy)},
       {core::errc::limit_exceeded, std::string("\x01\x02\0\0\0\0\0\0\xff\xff\xff\xff", 12)},
       {core::errc::malformed, std::string("\x01\x02\0\0\0\0\0\0\x02\0\0\0\x05\x01", 14)},
       {core::errc::malformed, std::string(12, '\0')}}));
  say(request);
  CHECK(serve().error().code == code);
  const auto last = answer();
  REQUIRE(last);
  REQUIRE(last->header.kind == bulk::frame_kind::refused);
  CHECK(bulk::decode_refusal(last->payload).value().why.code == code);
}

TEST_CASE_METHOD(fixture, "no bytes upset a session", "[io][bulk_session]") {
  const auto seed = GENERATE(range(0U, 60U));
  INFO("seed = " << seed);
  std::mt19937 random(seed);
  REQUIRE(blobs->put_bytes(content));
  std::string bytes =
      offer({bulk_pair::id_of("a"), bulk_pair::id_of(content)}) + part(1, {.item = 0}, "a")
      + bulk::frame(
          2, bulk::range_list{{{.hash = io::hash_bytes(content), .offset = 1, .length = 5}}});
  for (auto n = 1 + random() % 3; n > 0; --n)
    bytes[random() % bytes.size()] = static_cast<char>(random());
  say(bytes.substr(0, random() % (bytes.size() + 1)));
  std::thread reads([&] {
    while (answer()) {
    }
  });
  ends.near->shut_down();
  static_cast<void>(serve());
  reads.join();
  CHECK(std::filesystem::is_empty(dir / "store/tmp"));
  CHECK(blobs->verify(io::hash_bytes(content)));
}
