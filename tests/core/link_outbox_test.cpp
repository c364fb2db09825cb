#include "maze/core/link_outbox.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

using frames = std::vector<link_frame>;

frames sent(link_outbox& sut, instant now) {
  frames out;
  sut.send_new(now, out);
  sut.check_invariants();
  return out;
}

frames late(link_outbox& sut, instant now) {
  frames out;
  sut.send_late(now, out);
  sut.check_invariants();
  return out;
}

std::vector<std::uint64_t> numbers(const frames& sent) {
  std::vector<std::uint64_t> out;
  for (const auto& each : sent)
    out.push_back(each.number);
  return out;
}

using numbered = std::vector<std::uint64_t>;

/// One item a batch, four on their way.
link_outbox small() {
  return link_outbox(
      {.batch_items_max = 1, .window_items = 4, .resend_first = 100ms, .resend_longest = 400ms});
}

} // namespace

TEST_CASE("items that wait together travel together", "[core][link]") {
  link_outbox sut({.batch_items_max = 3});
  for (int i = 0; i < 7; ++i)
    sut.push(std::string(1, static_cast<char>('a' + i)));
  CHECK(sut.queued_items() == 7);
  CHECK(sut.queued_bytes() == 14);
  const auto out = sent(sut, 0s);
  REQUIRE(numbers(out) == numbered{1, 2, 3});
  CHECK(out[0].items == "\1a\1b\1c");
  CHECK(out[2].items == "\1g");
  CHECK(sut.queued_items() == 0);
  CHECK(sut.flying_items() == 7);
  CHECK(sent(sut, 1s).empty());
}

TEST_CASE("a batch ends before its bytes are too many", "[core][link]") {
  link_outbox sut({.batch_bytes_max = 10});
  sut.push("1234");
  sut.push("5678");
  sut.push("9");
  const auto out = sent(sut, 0s);
  REQUIRE(out.size() == 2);
  CHECK(out[0].items.size() == 10);
  CHECK(out[1].items
        == "\1"
           "9");
}

TEST_CASE("an item larger than a batch is cut into slices", "[core][link]") {
  link_outbox sut({.batch_bytes_max = 10});
  sut.push("x");
  sut.push("0123456789abcdefghijklmn");
  sut.push("y");
  const auto out = sent(sut, 0s);
  REQUIRE(out.size() == 4);
  CHECK(out[0].kind == frame_kind::items);
  CHECK(out[1].kind == frame_kind::slice);
  CHECK(out[2].kind == frame_kind::slice);
  CHECK(out[3].kind == frame_kind::items);
  CHECK(out[1].items + out[2].items + out[3].items
        == "\x18"
           "0123456789abcdefghijklmn\1y");
  CHECK(sut.flying_items() == 3);
}

TEST_CASE("what exceeds the window waits until there is room", "[core][link]") {
  auto sut = small();
  for (int i = 0; i < 6; ++i)
    sut.push("i");
  CHECK(numbers(sent(sut, 0s)) == numbered{1, 2, 3, 4});
  CHECK(sut.queued_items() == 2);
  CHECK(sut.acknowledged(1, 1ms));
  CHECK(numbers(sent(sut, 1ms)) == numbered{5});
  CHECK(sut.acknowledged(5, 2ms));
  CHECK(numbers(sent(sut, 2ms)) == numbered{6});
  CHECK(sut.acknowledged(6, 3ms));
  CHECK(sut.flying_items() == 0);
  CHECK(sut.flying_bytes() == 0);

  link_outbox bytes({.batch_items_max = 1, .window_bytes = 12});
  for (int i = 0; i < 3; ++i)
    bytes.push("12345");
  CHECK(sent(bytes, 0s).size() == 2);
  CHECK(bytes.queued_bytes() == 6);
}

TEST_CASE("bounds that contradict each other still let every item through", "[core][link]") {
  link_outbox sut(
      {.batch_items_max = 100, .batch_bytes_max = 0, .window_items = 0, .window_bytes = 0});
  sut.push("ab");
  sut.push("c");
  for (std::uint64_t number = 1; number <= 5; ++number) {
    CHECK(numbers(sent(sut, 0s)) == numbered{number});
    CHECK(sut.acknowledged(number, 0s));
  }
  CHECK(sent(sut, 0s).empty());
}

TEST_CASE("a silent acknowledgement has the oldest batch sent again, ever more rarely",
          "[core][link]") {
  auto sut = small();
  CHECK_FALSE(sut.due());
  sut.push("i");
  sut.push("j");
  sent(sut, 0s);
  CHECK(sut.due() == instant(100ms));
  CHECK(late(sut, 99ms).empty());
  CHECK(numbers(late(sut, 100ms)) == numbered{1});
  CHECK(sut.due() == instant(300ms));
  CHECK(numbers(late(sut, 300ms)) == numbered{1});
  CHECK(sut.due() == instant(700ms));
  CHECK(numbers(late(sut, 700ms)) == numbered{1});
  CHECK(sut.due() == instant(1100ms));
  CHECK(sut.resent() == 3);
}

TEST_CASE("an acknowledgement shows the next batch that was lost with the first", "[core][link]") {
  auto sut = small();
  for (int i = 0; i < 4; ++i)
    sut.push("i");
  sent(sut, 0s);
  CHECK(numbers(late(sut, 100ms)) == numbered{1});
  CHECK(sut.acknowledged(1, 110ms));
  CHECK(numbers(late(sut, 110ms)) == numbered{2});
  CHECK(late(sut, 111ms).empty());
  CHECK(sut.acknowledged(3, 120ms));
  CHECK(numbers(late(sut, 120ms)) == numbered{4});
  CHECK(sut.acknowledged(4, 130ms));
  // What is sent later was not lost with them.
  sut.push("k");
  sut.push("l");
  sent(sut, 140ms);
  CHECK(sut.acknowledged(5, 150ms));
  CHECK(late(sut, 150ms).empty());
  CHECK(sut.due() == instant(250ms));
}

TEST_CASE("slow acknowledgements that keep coming are no loss", "[core][link]") {
  auto sut = small();
  for (int i = 0; i < 4; ++i)
    sut.push("i");
  sent(sut, 0s);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    const auto now = instant(90ms * number);
    CHECK(late(sut, now).empty());
    CHECK(sut.acknowledged(number, now));
  }
  CHECK(sut.resent() == 0);
}

TEST_CASE("a new connection gets everything that is not acknowledged", "[core][link]") {
  auto sut = small();
  for (int i = 0; i < 6; ++i)
    sut.push("i");
  sent(sut, 0s);
  CHECK(sut.acknowledged(2, 1ms));
  frames out;
  sut.send_again(5s, out);
  CHECK(numbers(out) == numbered{3, 4});
  CHECK(sut.due() == instant(5100ms));
  CHECK(numbers(sent(sut, 5s)) == numbered{5, 6});
}

TEST_CASE("an acknowledgement of what was never sent is not believed", "[core][link]") {
  auto sut = small();
  CHECK(sut.acknowledged(0, 0s));
  CHECK_FALSE(sut.acknowledged(1, 0s));
  sut.push("i");
  CHECK_FALSE(sut.acknowledged(1, 0s));
  sent(sut, 0s);
  CHECK(sut.acknowledged(1, 0s));
  CHECK(sut.acknowledged(0, 0s));
  CHECK_FALSE(sut.acknowledged(2, 0s));
}
