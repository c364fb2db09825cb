#include "maze/core/link_inbox.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;
using arrival = link_inbox::arrival;

namespace {

link_frame batch(std::uint64_t number, const std::string& item) {
  link_frame out{.number = number};
  append_item(out.items, item);
  return out;
}

/// Takes what arrives and remembers every item that is handed on.
struct receiver {
  link_inbox sut{link_inbox::options{}};
  std::vector<std::string> items;

  result<arrival> take(link_frame frame) {
    std::vector<std::string> out;
    const auto came = sut.take(std::move(frame), out);
    for (const auto& each : out)
      for_each_item(each, [&](std::string_view item) { items.emplace_back(item); });
    return came;
  }
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("batches are handed on once and in order", "[core][link]") {
  receiver sut;
  CHECK(sut.take(batch(1, "a")) == arrival::in_order);
  CHECK(sut.take(batch(3, "c")) == arrival::early);
  CHECK(sut.take(batch(3, "c")) == arrival::repeated);
  CHECK(sut.take(batch(1, "a")) == arrival::repeated);
  CHECK(sut.sut.arrived() == 1);
  CHECK(sut.items == texts{"a"});
  CHECK(sut.take(batch(4, "d")) == arrival::early);
  CHECK(sut.take(batch(2, "b")) == arrival::in_order);
  CHECK(sut.items == texts{"a", "b", "c", "d"});
  CHECK(sut.sut.arrived() == 4);
  CHECK(sut.sut.early_bytes() == 0);
}

TEST_CASE("what comes too early is kept within bounds", "[core][link]") {
  receiver few{.sut = link_inbox({.early_max = 2})};
  for (std::uint64_t number = 2; number <= 9; ++number)
    CHECK(few.take(batch(number, "x")) == arrival::early);
  CHECK(few.sut.early_bytes() == 4);
  few.take(batch(1, "x"));
  CHECK(few.sut.arrived() == 3);

  receiver small{.sut = link_inbox({.early_bytes_max = 5})};
  small.take(batch(2, "12"));
  small.take(batch(3, "34"));
  CHECK(small.sut.early_bytes() == 3);
  small.take(batch(1, "0"));
  CHECK(small.sut.arrived() == 2);
}

TEST_CASE("slices come together again, and what follows in the last one", "[core][link]") {
  std::string whole;
  append_item(whole, "0123456789");
  append_item(whole, "next");
  receiver sut;
  sut.take({.kind = frame_kind::slice, .number = 2, .items = whole.substr(4, 4)});
  sut.take({.kind = frame_kind::slice, .number = 1, .items = whole.substr(0, 4)});
  CHECK(sut.sut.arrived() == 2);
  CHECK(sut.items.empty());
  sut.take({.number = 3, .items = whole.substr(8)});
  CHECK(sut.items == texts{"0123456789", "next"});
  sut.take(batch(4, "z"));
  CHECK(sut.items.back() == "z");
}

TEST_CASE("an item without an end is not collected for ever", "[core][link]") {
  receiver sut{.sut = link_inbox({.item_bytes_max = 100})};
  const std::string much(link_frame::batch_bytes_limit, 'x');
  REQUIRE(sut.take({.kind = frame_kind::slice, .number = 1, .items = much}));
  const auto refused = sut.take({.kind = frame_kind::slice, .number = 2, .items = much});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
  CHECK(refused.error().message.find("100 bytes") != std::string::npos);
}

TEST_CASE("bytes that are no batch are refused with the batch's number", "[core][link]") {
  receiver sut;
  const auto refused = sut.take({.number = 1,
                                 .items = "\x05"
                                          "abc"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::malformed);
  CHECK(refused.error().message.find("batch 1:") == 0);

  receiver late;
  late.take({.number = 2,
             .items = "\x05"
                      "abc"});
  CHECK(late.take(batch(1, "fine")).error().code == errc::malformed);
  CHECK(late.items == texts{"fine"});

  const std::string large(link_frame::batch_bytes_limit + 1, 'x');
  CHECK(sut.take({.number = 7, .items = large}).error().code == errc::limit_exceeded);
}
