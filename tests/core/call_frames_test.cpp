#include "maze/core/call_frames.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace maze::core;
using namespace std::string_literals;

namespace {

struct read_entry {
  call_entry entry;
  std::string payload;
  friend bool operator==(const read_entry&, const read_entry&) = default;
};

std::vector<read_entry> entries(const call_message_view& view) {
  std::vector<read_entry> out;
  view.for_each([&](const call_entry& each, std::string_view payload) {
    out.push_back({each, std::string(payload)});
  });
  return out;
}

std::string sample() {
  call_message_writer writer;
  writer.add(1, 2, "abc");
  writer.add(~std::uint64_t{0}, ~std::uint32_t{0}, "");
  std::string out;
  writer.finish(call_kind::replies, out, 77);
  return out;
}

errc refusal(const std::string& bytes, std::uint32_t size_max = call_message_max) {
  const auto view = call_message_view::of(bytes, size_max);
  REQUIRE_FALSE(view.has_value());
  return view.error().code;
}

std::string changed(std::size_t at, char to) {
  auto out = sample();
  out[at] = to;
  return out;
}

} // namespace

TEST_CASE("a message has the bytes that the description says", "[core][call_frames]") {
  CHECK(call_message(call_kind::calls, 5, 6, "xy")
        == "MZC1\4\0\0\0\1\0\0\0\x12\0\0\0\0\0\0\0\0\0\0\0"
           "\5\0\0\0\0\0\0\0\6\0\0\0\2\0\0\0xy"s);
}

TEST_CASE("what was written is read again", "[core][call_frames]") {
  const auto bytes = sample();
  const auto view = call_message_view::of(bytes);
  REQUIRE(view.has_value());
  CHECK(view->header()
        == call_header{.kind = call_kind::replies, .count = 2, .size = 35, .busy_ns = 77});
  CHECK(view->size() == 2);
  CHECK(view->entry(1).word == ~std::uint32_t{0});
  CHECK(view->payloads() == "abc");
  CHECK(entries(*view)
        == std::vector<read_entry>{{{1, 2, 3}, "abc"},
                                   {{~std::uint64_t{0}, ~std::uint32_t{0}, 0}, ""}});
}

TEST_CASE("a writer begins anew with each message", "[core][call_frames]") {
  call_message_writer writer;
  CHECK(writer.empty());
  writer.add(1, 0, "a");
  CHECK(writer.count() == 1);
  CHECK(writer.size() == call_header_size + call_entry_size + 1);
  std::string out;
  writer.finish(call_kind::calls, out);
  const auto first = out.size();
  CHECK(writer.empty());
  writer.finish(call_kind::calls, out);
  CHECK(out.size() == first + call_header_size);
}

TEST_CASE("bytes that are no message are refused", "[core][call_frames]") {
  CHECK(refusal("") == errc::malformed);
  CHECK(refusal(sample().substr(0, call_header_size - 1)) == errc::malformed);
  CHECK(refusal(sample() + "x") == errc::malformed);
  CHECK(refusal(changed(0, 'm')) == errc::malformed);
  CHECK(refusal(changed(4, 0)) == errc::malformed);
  CHECK(refusal(changed(4, 6)) == errc::malformed);
  CHECK(refusal(changed(5, 1)) == errc::malformed);
  CHECK(refusal(changed(7, 1)) == errc::malformed);
  CHECK(refusal(changed(8, 3)) == errc::malformed);
  CHECK(refusal(changed(11, '\x7f')) == errc::malformed);
  CHECK(refusal(changed(12, 34)) == errc::malformed);
  CHECK(refusal(changed(call_header_size + 12, 2)) == errc::malformed);
  CHECK(refusal(changed(call_header_size + 15, '\xff')) == errc::malformed);
  CHECK(refusal(sample(), 34) == errc::limit_exceeded);
  CHECK(refusal(changed(15, '\x7f')) == errc::limit_exceeded);
  CHECK(call_message_view::of(sample(), 35).has_value());
}

TEST_CASE("a stream is taken apart however it was cut", "[core][call_frames]") {
  const auto seed = GENERATE(range(0, 30));
  INFO("seed = " << seed);
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  std::vector<std::string> messages;
  std::string stream;
  for (int i = 0; i < 20; ++i) {
    call_message_writer writer;
    for (auto n = random() % 5; n > 0; --n)
      writer.add(random(), static_cast<std::uint32_t>(random()), std::string(random() % 40, 'x'));
    writer.finish(call_kind::calls, messages.emplace_back());
    stream += messages.back();
  }
  call_message_reader reader;
  std::vector<std::string> read;
  for (std::size_t at = 0; at < stream.size();) {
    const auto step = std::min<std::size_t>(1 + random() % (seed + 1) * 7, stream.size() - at);
    reader.append(std::string_view(stream).substr(at, step));
    at += step;
    for (;;) {
      const auto next = reader.next();
      REQUIRE(next.has_value());
      if (next->empty())
        break;
      read.emplace_back(*next);
    }
  }
  CHECK(read == messages);
  CHECK(reader.pending() == 0);
}

TEST_CASE("what has not come whole is counted", "[core][call_frames]") {
  call_message_reader reader;
  const auto one = sample();
  reader.append(one + one.substr(0, 10));
  CHECK(reader.next()->size() == one.size());
  CHECK(reader.pending() == 10);
  CHECK(reader.next()->empty());
  CHECK(reader.pending() == 10);
}

TEST_CASE("a stream with a wrong header fails before the rest has come", "[core][call_frames]") {
  call_message_reader reader(100);
  reader.append(changed(13, 1).substr(0, call_header_size));
  CHECK(reader.next().error().code == errc::limit_exceeded);
  call_message_reader noise;
  noise.append(std::string(call_header_size, 'x'));
  CHECK(noise.next().error().code == errc::malformed);
}
