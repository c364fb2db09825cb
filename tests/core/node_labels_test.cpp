#include "maze/core/node_labels.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;
using Catch::Contains;

TEST_CASE("labels are within their bounds, or it is said which is not", "[core][labels]") {
  CHECK(check_labels("node 'a'", {}));
  CHECK(
      check_labels("node 'a'", {{"disk", "ssd"}, {std::string(256, 'k'), std::string(256, 'v')}}));
  CHECK(check_labels("node 'a'", {{"disk", ""}}));
  const auto refused = [](const node_labels& labels) {
    const auto out = check_labels("node 'a'", labels);
    REQUIRE_FALSE(out);
    CHECK(out.error().code == errc::invalid_argument);
    return out.error().message;
  };
  CHECK_THAT(refused({{"", "x"}}), Contains("node 'a', label ''"));
  CHECK_THAT(refused({{"disk", std::string(257, 'v')}}), Contains("'disk'") && Contains("256"));
  CHECK_THAT(refused({{std::string(257, 'k'), "x"}}), Contains("256"));
  node_labels many;
  for (int i = 0; i < 64; ++i)
    many[std::to_string(i)] = "x";
  CHECK(check_labels("node 'a'", many));
  many["more"] = "x";
  CHECK_THAT(refused(many), Contains("65 labels, 64 are allowed"));
}

TEST_CASE("a node has all labels that are asked for, each with its text", "[core][labels]") {
  const node_labels has{{"disk", "ssd"}, {"role", "mobile"}};
  CHECK(has_labels(has, {}));
  CHECK(has_labels(has, {{"role", "mobile"}}));
  CHECK(has_labels(has, has));
  CHECK_FALSE(has_labels(has, {{"role", "desk"}}));
  CHECK_FALSE(has_labels(has, {{"role", "mobile"}, {"site", "left"}}));
  CHECK_FALSE(has_labels({}, {{"role", ""}}));
}

TEST_CASE("a node's name is one of its labels, whatever else it says", "[core][labels]") {
  CHECK(with_name({{"disk", "ssd"}}, "w1") == node_labels{{"disk", "ssd"}, {"node", "w1"}});
  CHECK(with_name({{"node", "w2"}}, "w1") == node_labels{{"node", "w1"}});
}

TEST_CASE("labels among others have no bit that those lack", "[core][labels]") {
  node_labels more;
  std::uint64_t all = 0;
  for (int i = 0; i < 200; ++i) {
    const node_labels one{{"name", std::to_string(i)}};
    more.emplace(std::to_string(i), "x");
    CHECK(label_bits(one) != 0);
    CHECK((label_bits({{std::to_string(i), "x"}}) & ~label_bits(more)) == 0);
    all |= label_bits(one);
  }
  CHECK(label_bits({}) == 0);
  // They would tell nothing if all shared one.
  CHECK((all & (all - 1)) != 0);
}

TEST_CASE("labels are told as they are written", "[core][labels]") {
  CHECK(to_string(node_labels{}).empty());
  CHECK(to_string(node_labels{{"site", "left"}, {"disk", "ssd"}}) == "disk=ssd, site=left");
}
