#include "maze/io/bulk_fetch.hpp"

#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
namespace bulk = core::bulk;

namespace {

struct fixture {
  test::scratch_dir dir{"/dev/shm"};
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  std::string kept;

  static core::blob_id id_of(const std::string& content) {
    return {.hash = io::hash_bytes(content), .size = content.size()};
  }
  io::bulk_fetch fetch(std::vector<core::blob_id> wanted, io::bulk_fetch::limits bounds = {},
                       std::optional<io::blob_writer> partial = {}) {
    return {std::move(wanted), *store, bounds, std::move(partial)};
  }
  io::bulk_frame part(std::uint32_t request, bulk::part_header header, const std::string& bytes) {
    const auto head = bulk::encode(header);
    kept = std::string(head.data(), head.size()) + bytes;
    return {.header = {.kind = bulk::frame_kind::part,
                       .request = request,
                       .length = static_cast<std::uint32_t>(kept.size())},
            .payload = kept};
  }
  io::bulk_frame absent(std::uint32_t request, std::uint32_t item) {
    kept = bulk::frame_absent(request, {.item = item, .why = {.code = core::errc::not_found}})
               .substr(bulk::header_size);
    return {.header = {.kind = bulk::frame_kind::absent, .request = request}, .payload = kept};
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "no more is asked for than the credit allows", "[io][bulk_fetch]") {
  const std::string large(250, 'x');
  auto sut = fetch({id_of(large), id_of("small")}, {.credit = 400, .range_max = 100});
  std::uint64_t asked = 0;
  std::uint32_t number = 0;
  while (const auto request = sut.next_request(number)) {
    ++number;
    for (const auto& range : request->ranges) {
      CHECK(range.length <= 100);
      asked += range.length;
    }
  }
  CHECK(asked == 255);
  auto narrow = fetch({id_of(large)}, {.credit = 150, .range_max = 100});
  REQUIRE(narrow.next_request(7));
  CHECK_FALSE(narrow.next_request(8));
  REQUIRE(narrow.take(part(7, {.item = 0}, std::string(100, 'x'))));
  const auto next = narrow.next_request(8);
  REQUIRE(next);
  CHECK(next->ranges
        == std::vector{bulk::blob_range{.hash = id_of(large).hash, .offset = 100, .length = 100}});
}

TEST_CASE_METHOD(fixture, "a blob is stored when its last piece came", "[io][bulk_fetch]") {
  auto sut = fetch({id_of("content"), id_of("")});
  REQUIRE(sut.next_request(1)->ranges.size() == 2);
  REQUIRE(sut.take(part(1, {.item = 0}, "con")));
  REQUIRE(sut.take(part(1, {.item = 0, .offset = 3}, "tent")));
  CHECK(store->has(id_of("content")));
  CHECK_FALSE(sut.finished());
  REQUIRE(sut.take(part(1, {.item = 1}, "")));
  CHECK(sut.finished());
  const auto report = sut.take_report();
  CHECK(report.blobs_moved == 2);
  CHECK(report.bytes_moved == 7);
  CHECK(store->has(id_of("")));
}

TEST_CASE_METHOD(fixture, "answers that were not asked for are refused", "[io][bulk_fetch]") {
  auto sut = fetch({id_of("content"), id_of("other")});
  CHECK(sut.take(part(1, {.item = 0}, "content")).error().code == core::errc::malformed);
  REQUIRE(sut.next_request(1));
  CHECK_FALSE(sut.take(part(2, {.item = 0}, "content")));
  CHECK_FALSE(sut.take(part(1, {.item = 1}, "other")));
  CHECK_FALSE(sut.take(part(1, {.item = 0, .offset = 1}, "ontent")));
  CHECK_FALSE(sut.take(part(1, {.item = 0}, "content and more")));
  CHECK_FALSE(sut.take(part(1, {.item = 0}, "")));
  CHECK_FALSE(sut.take(absent(1, 1)));
  REQUIRE(sut.take(part(1, {.item = 0}, "con")));
  CHECK_FALSE(sut.take(absent(1, 0)));
  CHECK_FALSE(
      sut.take({.header = {.kind = bulk::frame_kind::stored, .request = 1}, .payload = {}}));
}

TEST_CASE_METHOD(fixture, "a blob that fails does not hold up the others", "[io][bulk_fetch]") {
  auto sut = fetch({id_of("wrong"), id_of("absent"), id_of("right")});
  REQUIRE(sut.next_request(1));
  REQUIRE(sut.take(part(1, {.item = 0}, "wr!ng")));
  REQUIRE(sut.take(absent(1, 1)));
  REQUIRE(sut.take(part(1, {.item = 2}, "right")));
  CHECK(sut.finished());
  const auto report = sut.take_report();
  REQUIRE(report.failures.size() == 2);
  CHECK(report.failures[0].why.code == core::errc::transfer_error);
  CHECK(report.failures[1].why.code == core::errc::not_found);
  CHECK(report.blobs_moved == 1);
}

TEST_CASE_METHOD(fixture, "a blob that broke off is asked for from where it stopped",
                 "[io][bulk_fetch]") {
  auto writer = store->begin_put(id_of("content")).value();
  REQUIRE(writer.write("con"));
  auto sut = fetch({id_of("other"), id_of("content")}, {}, std::move(writer));
  const auto request = sut.next_request(1);
  REQUIRE(request->ranges.at(0)
          == bulk::blob_range{.hash = id_of("content").hash, .offset = 3, .length = 4});
  REQUIRE(sut.take(part(1, {.item = 0, .offset = 3}, "te")));
  auto again = sut.take_partial();
  REQUIRE(again);
  CHECK(again->written() == 5);
  auto unrelated = fetch({id_of("other")}, {}, std::move(again));
  CHECK_FALSE(unrelated.take_partial());
  CHECK(std::filesystem::is_empty(dir / "store/tmp"));
}
