#include "maze/core/call_batch.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace maze::core;

namespace {

std::string encoded(const value& x) { return encode(x).value(); }

/// A frame of two calls, of which the second wants the result of the first twice and waits for call 4.
std::string two_calls() {
  call_batch_writer writer(5);
  const auto first = writer.add(1, encoded(list{value(7)}));
  const auto arguments =
      encoded(list{value(result_of(first)), value("x"), value(result_of(first))});
  auto wants = placeholders_in(arguments).value();
  wants.push_back({4, order_only});
  writer.add(2, arguments, wants);
  return writer.finish();
}

errc refusal_of(std::string_view frame, std::uint32_t size_max = call_batch_max) {
  const auto out = call_batch_view::of(frame, size_max);
  return out ? errc::none : out.error().code;
}

std::string changed(std::string frame, std::size_t at, char to) {
  frame[at] = to;
  return frame;
}

} // namespace

TEST_CASE("a frame of calls says what was put into it", "[core][call_batch]") {
  const auto frame = two_calls();
  const auto view = call_batch_view::of(frame);
  REQUIRE(view);
  CHECK(view->first() == 5);
  REQUIRE(view->size() == 2);
  CHECK(view->entry(0) == batch_entry{1, 4, 0});
  CHECK(view->entry(1) == batch_entry{2, 39, 3});
  REQUIRE(view->dependencies() == 3);
  CHECK(view->dependency(0) == call_dependency{5, 2});
  CHECK(view->dependency(1) == call_dependency{5, 22});
  CHECK(view->dependency(2) == call_dependency{4, order_only});
  CHECK(frame.substr(view->arguments_at(), 4) == encoded(list{value(7)}));
}

TEST_CASE("a writer of calls goes on counting in its next frame", "[core][call_batch]") {
  call_batch_writer writer;
  CHECK(writer.add(1, "a") == 0);
  CHECK(writer.add(1, "b") == 1);
  CHECK(writer.count() == 2);
  const auto size = writer.size();
  CHECK(writer.finish().size() == size);
  CHECK(writer.empty());
  CHECK(writer.add(1, "c") == 2);
  const auto frame = writer.finish();
  CHECK(call_batch_view::of(frame)->first() == 2);
}

TEST_CASE("a frame of calls that was cut or lengthened is refused", "[core][call_batch]") {
  const auto frame = two_calls();
  for (std::size_t size = 0; size < frame.size(); ++size)
    CHECK(refusal_of(frame.substr(0, size)) == errc::malformed);
  CHECK(refusal_of(frame + '\0') == errc::malformed);
  CHECK(refusal_of(frame, static_cast<std::uint32_t>(frame.size())) == errc::none);
  CHECK(refusal_of(frame, static_cast<std::uint32_t>(frame.size()) - 1) == errc::limit_exceeded);
}

TEST_CASE("a frame of calls whose numbers contradict each other is refused", "[core][call_batch]") {
  const auto frame = two_calls();
  // Magic, version, flags, first, calls, dependencies, size.
  for (const std::size_t at : {0U, 4U, 6U, 12U, 16U, 20U})
    CHECK(refusal_of(changed(frame, at, 9)) == errc::malformed);
  CHECK(refusal_of(changed(frame, 12, 0)) == errc::malformed);
  CHECK(refusal_of(changed(frame, 15, 0x7f)) == errc::malformed);
  // Size and dependencies of the first call, its reserved bits, dependencies of the second.
  for (const std::size_t at : {28U, 32U, 36U, 48U})
    CHECK(refusal_of(changed(frame, at, 1)) == errc::malformed);
}

TEST_CASE("a call may only depend on earlier calls, at places that are there",
          "[core][call_batch]") {
  const auto frame = two_calls();
  const std::size_t table = batch_header_size + 2 * batch_entry_size;
  CHECK(refusal_of(changed(frame, table, 6)) == errc::malformed);     // on itself
  CHECK(refusal_of(changed(frame, table, 4)) == errc::malformed);     // another's placeholder
  CHECK(refusal_of(changed(frame, table + 4, 3)) == errc::malformed); // beside the placeholder
  CHECK(refusal_of(changed(frame, table + 4, 23)) == errc::malformed);
  CHECK(refusal_of(changed(frame, table + 12, 2)) == errc::malformed); // one place twice
  CHECK(refusal_of(changed(frame, table + 16, 3)) == errc::none);      // order alone wants no place
  CHECK(refusal_of(changed(frame, table + 12, 60)) == errc::malformed); // beyond the arguments
  const auto message = call_batch_view::of(changed(frame, table, 6)).error().message;
  CHECK(message == "a frame of calls: call 6 depends on call 6, which is not earlier");
}

TEST_CASE("a frame of calls beyond the last number is refused", "[core][call_batch]") {
  call_batch_writer writer(UINT32_MAX - 1);
  writer.add(1, "a");
  CHECK(refusal_of(writer.finish()) == errc::none);
  call_batch_writer late(UINT32_MAX - 1);
  late.add(1, "a");
  late.add(1, "a");
  CHECK(refusal_of(late.finish()) == errc::limit_exceeded);
}

TEST_CASE("placeholders are found where values are, and nowhere else", "[core][call_batch]") {
  const auto hidden = encoded(value(result_of(3)));
  const auto text = bytes(hidden.size(), std::byte{0x0a});
  dict arguments;
  arguments["a"] = value(result_of(1));
  arguments["b"] = list{value(1.5), value(nullptr), value(true), value(result_of(2)), value(-1)};
  arguments["c"] = value(text);
  arguments["d"] = value(object_ref{1, 2});
  arguments["e"] = value(blob_ref{{1, 2}, 3, "bytes"});
  const auto whole = encoded(arguments);
  const auto found = placeholders_in(whole);
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK((*found)[0].call == 1);
  CHECK((*found)[1].call == 2);
  CHECK(whole.substr((*found)[1].place, placeholder_size) == encoded(value(result_of(2))));
  CHECK_FALSE(placeholders_in(whole + "x"));
  CHECK_FALSE(placeholders_in("\x0b"));
  CHECK(placeholders_in(whole, {.depth_max = 1}).error().code == errc::limit_exceeded);
  CHECK(placeholders_in(whole, {.size_max = 5}).error().code == errc::limit_exceeded);
}
