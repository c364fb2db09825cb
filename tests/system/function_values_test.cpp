// Values that go from C++ to Python and back, through real children.

#include "maze/io/json.hpp"
#include "support/function_tasks.hpp"
#include "support/local_cluster.hpp"
#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace maze;
using Catch::Contains;

namespace {

/// A library hands `x` to Python, and Python to a library.
actors::submission echoes(test::local_cluster& cluster, core::value x) {
  auto first = test::calling("plain", "echo", {{"x", std::move(x)}});
  first.name = "first";
  auto second = test::calling_code("def echo(x): return x", {{"x", nullptr}});
  second.name = "second";
  second.inputs["x"] = {core::parse_reference("first.output.r").value()};
  auto third = test::calling("plain", "echo", {{"x", nullptr}});
  third.name = "third";
  third.inputs["x"] = {core::parse_reference("second.output.r").value()};
  auto work = test::work_of({first, second, third});
  work.libraries["plain"] = test::put_library(cluster.node().blobs(), "plain");
  work.result = core::parse_reference("third.output.r").value();
  return work;
}

/// What came of the run. Encoded, so that a NaN is what it was.
std::string result_of(const actors::run_report& report) {
  for (const actors::task_outcome& outcome : report.not_completed)
    UNSCOPED_INFO(outcome.task << ": " << core::describe(outcome.reason));
  REQUIRE(report.state == core::run_state::completed);
  return report.result;
}

core::value extremes() {
  using real = std::numeric_limits<double>;
  using integer = std::numeric_limits<std::int64_t>;
  return core::list{nullptr,
                    true,
                    false,
                    integer::min(),
                    integer::max(),
                    std::int64_t{-1},
                    real::quiet_NaN(),
                    real::infinity(),
                    -real::infinity(),
                    0.0,
                    -0.0,
                    real::denorm_min(),
                    real::max(),
                    real::lowest(),
                    real::epsilon(),
                    std::string("\0\x7f", 2),
                    "\xf4\x8f\xbf\xbf",
                    "",
                    core::bytes{},
                    core::bytes(70'000, std::byte{0xff}),
                    std::string(70'000, 'x'),
                    core::list{},
                    core::dict{},
                    core::dict{{"", core::dict{{"\xef\xbf\xbf", 1}, {"\xf0\x90\x80\x80", 2}}}}};
}

/// Whether JSON has a form for it that is not one of maze's own.
bool is_plain(const core::value& x) {
  if (const auto* real = x.as<double>())
    return std::isfinite(*real);
  if (const auto* items = x.as<core::list>())
    return std::all_of(items->begin(), items->end(), is_plain);
  if (const auto* entries = x.as<core::dict>())
    return std::all_of(entries->begin(), entries->end(), [](const auto& each) {
      return !each.first.starts_with('$') && is_plain(each.second);
    });
  return x.is<core::null>() || x.is<bool>() || x.is<std::int64_t>() || x.is<std::string>();
}

} // namespace

TEST_CASE("any value survives the way through a library, Python and a library",
          "[system][functions][values]") {
  test::local_cluster cluster(2);
  std::vector<core::value> given{extremes(), test::nested_lists(63), test::nested_dicts(63)};
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    test::random_values values(seed, {.depth_max = 5, .length_max = 8, .nan = true});
    core::list many;
    for (int i = 0; i < 60; ++i)
      many.push_back(values.next());
    given.emplace_back(std::move(many));
  }
  std::vector<actors::submission> works;
  for (const core::value& each : given)
    works.push_back(echoes(cluster, each));
  const auto reports = cluster.run_all(std::move(works));
  REQUIRE(reports.size() == given.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    INFO("value " << i);
    CHECK(result_of(reports[i]) == core::encode(given[i]).value());
  }
}

TEST_CASE("values without a binary form are refused where they arise",
          "[system][functions][values]") {
  test::local_cluster cluster(2);
  const auto reason = [&](core::task_spec spec) {
    auto work = test::work_of({std::move(spec)});
    work.libraries["plain"] = test::put_library(cluster.node().blobs(), "plain");
    return test::reason_of(cluster.run(std::move(work)), "f");
  };
  const auto deep = reason(test::calling("plain", "echo", {{"x", test::nested_lists(64)}}));
  CHECK(deep.code == core::errc::limit_exceeded);
  CHECK_THAT(deep.message, Contains("deep"));
  const auto grown =
      reason(test::calling_code("def f(x): return [[x]]", {{"x", test::nested_lists(63)}}));
  CHECK(grown.code == core::errc::limit_exceeded);
  CHECK(reason(test::calling("plain", "broken_text")).code == core::errc::invalid_payload);
  for (const char* code :
       {"def f(): return '\\udcff'", "def f(): return {'\\udcff': 1}", "def f(): return 1 << 63",
        "def f(): return -(1 << 63) - 1", "def f(): return {1: 2}", "def f(): return 1j",
        "def f():\n  x = []\n  x.append(x)\n  return x"}) {
    INFO(code);
    const auto why = reason(test::calling_code(code));
    CHECK((why.code == core::errc::invalid_payload || why.code == core::errc::limit_exceeded));
    CHECK_THAT(why.message, Contains("result"));
  }
}

TEST_CASE("values reach commands as JSON, which Python reads back as they were",
          "[system][functions][values]") {
  test::local_cluster cluster(2);
  std::vector<core::value> given;
  std::vector<actors::submission> works;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    test::random_values values(seed);
    core::list many;
    while (many.size() < 30)
      if (auto next = values.next(); is_plain(next))
        many.push_back(std::move(next));
    auto show = test::shell("show", "printf %s \"$MAZE_INPUT_x\"");
    show.parameters = {{.name = "x"}};
    show.inputs["x"] = {core::value(many)};
    auto parse = test::calling_code("import json\ndef f(text): return json.loads(text)",
                                    {{"text", nullptr}});
    parse.inputs["text"] = {core::parse_reference("show.output.run.stdout").value()};
    works.push_back(test::work_of({show, parse}));
    works.back().result = core::parse_reference("f.output.r").value();
    given.emplace_back(std::move(many));
  }
  const auto reports = cluster.run_all(std::move(works));
  for (std::size_t i = 0; i < reports.size(); ++i) {
    INFO("seed = " << i);
    CHECK(result_of(reports[i]) == core::encode(given[i]).value());
  }
}
