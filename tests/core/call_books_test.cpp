#include "maze/core/call_books.hpp"

#include "maze/core/call_frames.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace maze::core;

namespace {

std::string encoded_bytes(const value& x) { return encode(x).value(); }

/// Books, and a client that hands in calls.
struct ledger {
  call_books books;
  call_batch_writer client;

  call_number call(const value& arguments, std::vector<call_number> after = {}) {
    const auto bytes = encoded_bytes(arguments);
    auto wants = placeholders_in(bytes).value();
    for (const auto each : after)
      wants.push_back({each, order_only});
    return client.add(1, bytes, wants);
  }
  std::vector<fallen_call> take() {
    const auto frame = client.finish();
    const auto view = call_batch_view::of(frame);
    REQUIRE(view);
    REQUIRE(books.check(*view));
    auto out = books.take(frame);
    books.check_invariants();
    return out;
  }
  std::uint32_t complete(call_number call, const value& result) {
    const auto payload = encoded_bytes(result);
    const auto block = books.keep(call_message(call_kind::replies, call, 0, payload));
    books.complete(call, {block, call_header_size + call_entry_size},
                   static_cast<std::uint32_t>(payload.size()));
    books.check_invariants();
    return block;
  }
};

} // namespace

TEST_CASE("a record of a call takes 16 bytes", "[core][call_books]") {
  CHECK(sizeof(call_record) == 16);
}

TEST_CASE("calls are ready in the order in which they came", "[core][call_books]") {
  ledger sut;
  sut.call(list{value(1)});
  sut.call(list{value(2)});
  CHECK(sut.take().empty());
  CHECK(sut.books.ready_count() == 2);
  CHECK(sut.books.send_first() == 0);
  CHECK(sut.books.what(0).function == 1);
  CHECK(sut.books.what(0).arguments == encoded_bytes(list{value(1)}));
  sut.books.send_back(0, true);
  CHECK(sut.books.first_ready() == 0);
  sut.books.send_first();
  sut.books.send_back(0, false);
  CHECK(sut.books.first_ready() == 1);
  sut.books.check_invariants();
}

TEST_CASE("a call gets the results of others in its arguments", "[core][call_books]") {
  ledger sut;
  const auto a = sut.call(list{});
  const auto b = sut.call(list{});
  const auto c = sut.call(list{value(result_of(a)), value("x"), value(result_of(b))}, {a});
  sut.take();
  CHECK(sut.books.ready_count() == 2);
  sut.books.send_first();
  sut.books.send_first();
  sut.complete(a, list{value(7)});
  CHECK(sut.books.ready_count() == 0);
  sut.complete(b, value("long result"));
  REQUIRE(sut.books.ready_count() == 1);
  CHECK(sut.books.send_first() == c);
  CHECK(sut.books.what(c).arguments
        == encoded_bytes(list{value(list{value(7)}), value("x"), value("long result")}));
}

TEST_CASE("a result is kept until it was read and nobody wants it", "[core][call_books]") {
  ledger sut;
  const auto a = sut.call(list{});
  const auto b = sut.call(list{value(result_of(a))});
  sut.take();
  sut.books.send_first();
  const auto block = sut.complete(a, value("result"));
  sut.books.read(block);
  sut.books.send_first();
  CHECK(sut.books.what(b).arguments == encoded_bytes(list{value("result")}));
  // Who has read it has the value.
  sut.call(list{value(result_of(a))});
  const auto late = sut.client.finish();
  CHECK(sut.books.check(*call_batch_view::of(late)).error().code == errc::stale);
  sut.books.read(sut.complete(b, value(nullptr)));
  CHECK(sut.books.kept_bytes() == 0);
}

TEST_CASE("a result that was not read may still be asked for", "[core][call_books]") {
  ledger sut;
  const auto a = sut.call(list{});
  sut.take();
  sut.books.send_first();
  const auto block = sut.complete(a, value(5));
  const auto b = sut.call(list{value(result_of(a))}, {a});
  CHECK(sut.take().empty());
  sut.books.read(block);
  CHECK(sut.books.send_first() == b);
  CHECK(sut.books.what(b).arguments == encoded_bytes(list{value(5)}));
}

TEST_CASE("a call that fails takes down all that follow from it", "[core][call_books]") {
  ledger sut;
  const auto a = sut.call(list{});
  const auto other = sut.call(list{});
  const auto b = sut.call(list{value(result_of(a)), value(result_of(other))});
  const auto c = sut.call(list{}, {b});
  sut.take();
  sut.books.send_first();
  sut.books.send_first();
  std::vector<fallen_call> fallen;
  sut.books.fail(a, fallen);
  CHECK(fallen == std::vector<fallen_call>{{b, a}, {c, a}});
  sut.books.check_invariants();
  // A later one falls at once, and names the call that began it.
  const auto d = sut.call(list{value(result_of(c))});
  CHECK(sut.take() == std::vector<fallen_call>{{d, a}});
  sut.complete(other, value(1));
  CHECK(sut.books.ready_count() == 0);
  CHECK(sut.books.counts() == call_counts{0, 0, 0, 1, 4});
  CHECK(sut.books.pending() == 0);
}

TEST_CASE("records of calls that ended long ago are freed", "[core][call_books]") {
  ledger sut;
  std::vector<std::uint32_t> blocks;
  for (std::uint32_t i = 0; i < 3 * call_books::chunk_size; ++i) {
    sut.client.add(1, "a");
    if (sut.client.count() < 512)
      continue;
    sut.books.take(sut.client.finish());
    while (sut.books.ready_count() > 0) {
      const auto call = sut.books.send_first();
      const auto block = sut.books.keep(call_message(call_kind::replies, call, 0, "b"));
      sut.books.complete(call, {block, 40}, 1);
      blocks.push_back(block);
    }
    for (const auto each : blocks)
      sut.books.read(each);
    blocks.clear();
  }
  CHECK_FALSE(sut.books.known(0));
  CHECK(sut.books.lowest() == 3 * call_books::chunk_size);
  CHECK(sut.books.kept_bytes() == 0);
  sut.books.check_invariants();
}
