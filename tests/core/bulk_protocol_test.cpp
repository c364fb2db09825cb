#include "maze/core/bulk_protocol.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace maze::core;
using namespace maze::core::bulk;

namespace {

blob_id blob(std::uint64_t number, std::uint64_t size = 5) {
  return {.hash = {.high = 7, .low = number}, .size = size};
}

error lost() { return {.code = errc::object_lost, .message = "gone"}; }

/// The payload of one whole frame, after its header was checked.
std::string_view payload_of(std::string_view frame, frame_kind kind, std::uint32_t request) {
  REQUIRE(frame.size() >= header_size);
  const auto header = decode_header(frame.substr(0, header_size));
  REQUIRE(header);
  CHECK(*header
        == frame_header{.kind = kind,
                        .request = request,
                        .length = static_cast<std::uint32_t>(frame.size() - header_size)});
  return frame.substr(header_size);
}

std::string header_bytes(const frame_header& header) {
  const auto bytes = encode(header);
  return {bytes.data(), bytes.size()};
}

} // namespace

TEST_CASE("a bulk frame's header has these bytes", "[core][bulk_protocol]") {
  const frame_header header{.kind = frame_kind::get, .request = 0x04030201, .length = 0x300};
  const auto bytes = header_bytes(header);
  CHECK(bytes == std::string("\x01\x02\0\0\x01\x02\x03\x04\0\x03\0\0", 12));
  CHECK(decode_header(bytes).value() == header);
}

TEST_CASE("a header that no maze would send is refused", "[core][bulk_protocol]") {
  const frame_header good{.kind = frame_kind::part, .request = 1, .length = payload_max};
  CHECK(decode_header(header_bytes(good)));
  auto other = header_bytes(good);
  SECTION("version") {
    other[0] = 2;
    CHECK(decode_header(other).error().message.find("version 2") != std::string::npos);
  }
  SECTION("kind") {
    const int kind = GENERATE(0, 5, 15, 22, 255);
    other[1] = static_cast<char>(kind);
    CHECK(decode_header(other).error().code == errc::malformed);
  }
  SECTION("reserved bytes") {
    other[3] = 1;
    CHECK(decode_header(other).error().code == errc::malformed);
  }
  SECTION("length") {
    other = header_bytes({.kind = frame_kind::part, .length = payload_max + 1});
    CHECK(decode_header(other).error().code == errc::limit_exceeded);
  }
}

TEST_CASE("bulk messages come back as they were", "[core][bulk_protocol]") {
  const blob_list blobs{{blob(1), blob(2, 0)}};
  CHECK(decode_blob_list(payload_of(frame(frame_kind::put, 3, blobs), frame_kind::put, 3)).value()
        == blobs);
  const range_list ranges{{{.hash = blob(1).hash, .offset = 9, .length = 3}, {}}};
  CHECK(decode_range_list(payload_of(frame(4, ranges), frame_kind::get, 4)).value() == ranges);
  for (const std::size_t count : {0U, 1U, 8U, 9U, 4096U}) {
    presence bits;
    for (std::size_t i = 0; i < count; ++i)
      bits.there.push_back(i % 3 == 0);
    CHECK(decode_presence(payload_of(frame(5, bits), frame_kind::present, 5), count).value()
          == bits);
  }
  const item_failure failure{.item = 3, .why = lost()};
  CHECK(decode_item_failure(payload_of(frame_absent(6, failure), frame_kind::absent, 6)).value()
        == failure);
  const put_result result{{failure}};
  CHECK(decode_put_result(payload_of(frame(7, result), frame_kind::stored, 7)).value() == result);
  const document_name name{"run/3"};
  CHECK(decode_document_name(payload_of(frame(8, name), frame_kind::get_document, 8)).value()
        == name);
  const document_size size{77};
  CHECK(decode_document_size(payload_of(frame(9, size), frame_kind::document, 9)).value() == size);
  const refusal why{lost()};
  CHECK(decode_refusal(payload_of(frame(10, why), frame_kind::refused, 10)).value() == why);
}

TEST_CASE("a part is its header and bytes", "[core][bulk_protocol]") {
  const part_header header{.item = 0x01020304, .offset = std::uint64_t{1} << 40};
  const auto bytes = encode(header);
  const std::string payload = std::string(bytes.data(), bytes.size()) + "content";
  const auto back = decode_part(payload).value();
  CHECK(back.header == header);
  CHECK(back.bytes == "content");
  CHECK(decode_part(std::string_view(payload).substr(0, 12)).value().bytes.empty());
  CHECK(decode_part(std::string_view(payload).substr(0, 11)).error().code == errc::malformed);
}

TEST_CASE("requests beyond the limits are refused", "[core][bulk_protocol]") {
  const auto blobs_of = [](std::size_t count, std::uint64_t size) {
    blob_list list;
    list.blobs.assign(count, blob(1, size));
    return frame(frame_kind::have, 1, list).substr(header_size);
  };
  CHECK(decode_blob_list(blobs_of(request_blobs_max, 1)));
  CHECK(decode_blob_list(blobs_of(request_blobs_max + 1, 1)).error().code == errc::limit_exceeded);
  CHECK(decode_blob_list(blobs_of(1, std::uint64_t{1} << 63)).error().code == errc::limit_exceeded);
  const auto ranges_of = [](std::size_t count, blob_range one) {
    range_list list;
    list.ranges.assign(count, one);
    return frame(1, list).substr(header_size);
  };
  CHECK(decode_range_list(ranges_of(64, {.length = 1 << 20})));
  CHECK(decode_range_list(ranges_of(65, {.length = 1 << 20})).error().code == errc::limit_exceeded);
  CHECK(decode_range_list(ranges_of(request_blobs_max + 1, {})).error().code
        == errc::limit_exceeded);
  CHECK_FALSE(decode_range_list(ranges_of(1, {.length = request_bytes_max + 1})));
  CHECK_FALSE(decode_range_list(ranges_of(1, {.offset = UINT64_MAX, .length = 1})));
  CHECK_FALSE(
      decode_range_list(ranges_of(1, {.offset = (std::uint64_t{1} << 63) - 1, .length = 1})));
  for (const auto length : {std::size_t{0}, document_name_max + 1})
    CHECK_FALSE(decode_document_name(
        frame(1, document_name{std::string(length, 'x')}).substr(header_size)));
}

TEST_CASE("presence must fit the question", "[core][bulk_protocol]") {
  CHECK_FALSE(decode_presence("", 1));
  CHECK_FALSE(decode_presence(std::string(2, '\0'), 8));
  CHECK_FALSE(decode_presence("\x02", 1));
  CHECK(decode_presence("\x01", 1).value().there == std::vector<bool>{true});
}

TEST_CASE("a report of many failures still fits one frame", "[core][bulk_protocol]") {
  put_result all;
  for (std::uint32_t i = 0; i < request_blobs_max; ++i)
    all.failures.push_back({.item = i,
                            .why = {.code = errc::io_error,
                                    .message = std::string(5000, 'x'),
                                    .evidence = std::string(5000, 'y')}});
  const auto bytes = frame(1, all);
  const auto back = decode_put_result(payload_of(bytes, frame_kind::stored, 1)).value();
  REQUIRE(back.failures.size() == request_blobs_max);
  CHECK(back.failures.front().why.message.size() == 1000);
  CHECK(back.failures.back().why == error{.code = errc::io_error});
}

TEST_CASE("no bytes upset the readers of bulk payloads", "[core][bulk_protocol]") {
  const auto seed = GENERATE(range(0U, 200U));
  INFO("seed = " << seed);
  std::mt19937 random(seed);
  std::string bytes(random() % 200, '\0');
  for (auto& byte : bytes)
    byte = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
  if (bytes.size() >= header_size)
    if (const auto header = decode_header(std::string_view(bytes).substr(0, header_size)))
      CHECK(header_bytes(*header) == bytes.substr(0, header_size));
  if (const auto list = decode_blob_list(bytes))
    CHECK(frame(frame_kind::have, 0, *list).substr(header_size) == bytes);
  if (const auto list = decode_range_list(bytes))
    CHECK(frame(0, *list).substr(header_size) == bytes);
}
