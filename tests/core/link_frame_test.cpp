#include "maze/core/link_frame.hpp"

#include "maze/core/codec.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace maze::core;

TEST_CASE("a batch gives back its items, whatever their length", "[core][link]") {
  std::vector<std::string> items;
  for (const std::size_t size : {0U, 1U, 127U, 128U, 16383U, 16384U, 70000U})
    items.emplace_back(size, 'x');
  items.emplace_back("\0\xff", 2);
  std::string batch;
  for (const auto& item : items) {
    const auto before = batch.size();
    append_item(batch, item);
    CHECK(batch.size() - before == packed_size(item.size()));
  }
  REQUIRE(check_batch(batch));
  CHECK(*check_batch(batch) == items.size());
  std::vector<std::string> seen;
  for_each_item(batch, [&](std::string_view item) { seen.emplace_back(item); });
  CHECK(seen == items);
}

TEST_CASE("a batch that is cut short or padded is refused", "[core][link]") {
  std::string batch;
  append_item(batch, "one");
  append_item(batch, std::string(300, 'y'));
  for (std::size_t size = 1; size < batch.size(); ++size)
    if (size != 4)
      CHECK_FALSE(check_batch(std::string_view(batch).substr(0, size)));
  CHECK(check_batch(std::string_view(batch).substr(0, 4)));
  CHECK(check_batch("").value() == 0);
  // A length in more bytes than it needs, and one that no memory could hold.
  CHECK_FALSE(check_batch(std::string("\x81\x00z", 3)));
  CHECK(check_batch("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").error().code == errc::malformed);
}

TEST_CASE("the end of a session carries its reason", "[core][link]") {
  const error why{.code = errc::already_exists, .message = "replaced", .origin = "cluster"};
  const auto frame = over_frame(session_id{9}, why);
  CHECK(frame.kind == frame_kind::over);
  CHECK(frame.session == session_id{9});
  CHECK(reason_of(frame) == why);
  CHECK(reason_of({.kind = frame_kind::over, .items = "?"}).code == errc::stale);
}

TEST_CASE("a frame travels in the binary form", "[core][link]") {
  const link_frame frame{
      .session = {5}, .kind = frame_kind::slice, .number = 7, .ack = 3, .items = "abc"};
  const auto back = from_binary<link_frame>(to_binary(frame), "frame");
  REQUIRE(back);
  CHECK(*back == frame);
  CHECK_FALSE(from_binary<link_frame>(std::string("\x05\x09\x07\x03\x00", 5), "frame"));
}
