#include "maze/core/value_source.hpp"

#include "maze/core/misfit.hpp"
#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;
using namespace maze::test;
using namespace std::string_literals;
using Catch::Matchers::Message;

namespace {

/// Reads everything there is, without making values of it.
void walk(value_source& in) {
  in.skip();
  in.finish();
}

bool walks(std::string_view bytes) {
  try {
    value_source in(bytes);
    walk(in);
    return true;
  } catch (const maze::misfit&) {
    return false;
  }
}

} // namespace

TEST_CASE("pieces are read in their order", "[core][value_source]") {
  const auto bytes =
      *encode(list{nullptr, true, -5, 0.5, 3, "text", maze::core::bytes{std::byte{7}},
                   value(dict{{"a", 1}, {"b", value(list{})}})});
  value_source in(bytes);
  const value_source::collection outer(in, value_tag::sequence);
  CHECK(outer.size() == 8);
  CHECK(in.take_null());
  CHECK_FALSE(in.take_null());
  CHECK(in.truth());
  CHECK(in.integer() == -5);
  CHECK(in.real() == 0.5);
  CHECK(in.real() == 3.0);
  CHECK(in.text() == "text");
  CHECK(in.raw() == "\7");
  CHECK(in.next() == value_tag::mapping);
  value_source::collection inner(in, value_tag::mapping);
  CHECK(inner.size() == 2);
  CHECK(inner.key() == "a");
  CHECK(in.any() == value(1));
  CHECK(inner.key() == "b");
  CHECK(in.skip() == "\7\0"s);
  in.finish();
}

TEST_CASE("what is not expected is said with both names", "[core][value_source]") {
  const auto text = *encode("text");
  CHECK_THROWS_MATCHES(value_source(text).integer(), maze::misfit,
                       Message("expected int, got string"));
  CHECK_THROWS_MATCHES(value_source(text).truth(), maze::misfit,
                       Message("expected bool, got string"));
  CHECK_THROWS_MATCHES(value_source("\x20").null(), maze::misfit,
                       Message("bytes that are no value"));
  CHECK_THROWS_AS(value_source("").null(), maze::misfit);
  CHECK_THROWS_AS(value_source("\5\1\xff").text(), maze::misfit);
}

TEST_CASE("passing over accepts exactly the bytes that decode", "[core][value_source]") {
  const auto seed = GENERATE(range(0, 100));
  INFO("seed = " << seed);
  random_values values(static_cast<std::uint64_t>(seed));
  const auto whole = *encode(values.next());
  CHECK(walks(whole));
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK(walks(whole.substr(0, n)) == decode(whole.substr(0, n)).has_value());
  for (int i = 0; i < 200; ++i) {
    auto bytes = whole;
    bytes[values.below(bytes.size())] = static_cast<char>(values.below(256));
    INFO("change " << i);
    CHECK(walks(bytes) == decode(bytes).has_value());
  }
}

TEST_CASE("depth is bounded however it is read", "[core][value_source]") {
  std::string deep;
  for (int i = 0; i < 100000; ++i)
    deep += "\7\1";
  deep += "\0"s;
  CHECK_FALSE(walks(deep));
  CHECK_THROWS_AS(value_source(deep).any(), maze::misfit);
  CHECK(walks(*encode(nested_lists(64))));
}
