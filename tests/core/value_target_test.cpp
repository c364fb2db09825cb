#include "maze/core/value_target.hpp"

#include "maze/core/misfit.hpp"
#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;
using namespace maze::test;
using Catch::Matchers::Message;

TEST_CASE("pieces make the same bytes as a value", "[core][value_target]") {
  value_target out;
  {
    const value_target::collection outer(out, value_tag::mapping, 2);
    out.key("a");
    {
      const value_target::collection inner(out, value_tag::sequence, 3);
      out.null();
      out.truth(false);
      out.integer(-7);
    }
    out.key("b");
    out.real(0.5);
  }
  CHECK(out.bytes() == *encode(dict{{"a", value(list{nullptr, false, -7})}, {"b", 0.5}}));
}

TEST_CASE("a whole value is written as it is encoded", "[core][value_target]") {
  const auto seed = GENERATE(range(0, 100));
  INFO("seed = " << seed);
  random_values values(static_cast<std::uint64_t>(seed));
  const value x = values.next();
  const auto encoded = *encode(x);
  value_target out({.size_max = encoded.size()});
  out.any(x);
  CHECK(out.bytes() == encoded);
  value_target narrow({.size_max = encoded.size() - 1});
  CHECK_THROWS_AS(narrow.any(x), maze::misfit);
}

TEST_CASE("a fault inside a value names its place", "[core][value_target]") {
  value_target out;
  CHECK_THROWS_MATCHES(out.any(list{1, value(dict{{"k", "\xff"}})}), maze::misfit,
                       Message("[1].k: text of 1 bytes is not UTF-8; give it as bytes"));
  CHECK_THROWS_AS(value_target().any(blob_ref{{}, 1, "\xff"}), maze::misfit);
}

TEST_CASE("nothing is copied that would pass the limit", "[core][value_target]") {
  value_target out({.size_max = 8});
  CHECK_THROWS_MATCHES(out.raw(std::string(1 << 20, 'x')), maze::misfit,
                       Message("takes more than 8 bytes encoded"));
  CHECK(out.bytes().size() < 8);
}
