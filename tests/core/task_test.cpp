#include "maze/core/task.hpp"

#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>

using namespace maze::core;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using maze::add_task_to;
using maze::arg;

namespace {

struct point {
  double x = 0;
  double y = 0;

  point(double a, double b) : x(a), y(b) {}
};

} // namespace

template <>
struct maze::convert<point> {
  static constexpr std::string_view type = "list";
  static core::value to(const point& from) { return core::list{from.x, from.y}; }
  static point from(const core::value& encoded) {
    const auto* both = encoded.as<core::list>();
    if (both == nullptr || both->size() != 2)
      throw std::invalid_argument("a point is a list of two numbers");
    return point(std::get<double>((*both)[0].data), std::get<double>((*both)[1].data));
  }
};

namespace {

/// What came of a call, decoded.
struct outcome {
  std::optional<value> returned;
  error failed;
};

outcome call(const task_registry& tasks, const value& arguments,
             std::uint64_t result_max = 1 << 20) {
  outcome out;
  tasks.call(
      0, encode(arguments, {.depth_max = 65}).value(), result_max,
      [](void* context, call_outcome how, std::string_view payload) {
        auto& to = *static_cast<outcome*>(context);
        if (how == call_outcome::returned)
          to.returned = decode(payload).value();
        else
          to.failed = from_binary<error>(payload, "error").value();
      },
      &out);
  return out;
}

/// Calls `f` with one argument.
template <class F>
outcome call_one(F f, const value& argument) {
  task_registry tasks;
  add_task_to(tasks, "f", f, "", arg("x"));
  return call(tasks, list{argument});
}

/// A value that is handed through as `T`.
template <class T>
outcome pass(const value& x) {
  return call_one([](T y) { return y; }, x);
}

template <class T>
std::string declared() {
  return std::string(task_form<T>::type);
}

} // namespace

TEST_CASE("what round-trips through a type is equal", "[core][task]") {
  CHECK(pass<bool>(true).returned == value(true));
  CHECK(pass<std::int8_t>(-128).returned == value(-128));
  CHECK(pass<std::uint64_t>(std::numeric_limits<std::int64_t>::max()).returned
        == value(std::numeric_limits<std::int64_t>::max()));
  CHECK(pass<double>(0.1).returned == value(0.1));
  CHECK(pass<double>(3).returned == value(3.0));
  CHECK(pass<float>(0.5).returned == value(0.5));
  CHECK(pass<std::string>("\xC3\xA9").returned == value("\xC3\xA9"));
  CHECK(pass<std::string_view>("a"s + '\0').returned == value("a"s + '\0'));
  CHECK(pass<std::filesystem::path>("/a/b").returned == value("/a/b"));
  CHECK(pass<bytes>(bytes{std::byte{0xFF}}).returned == value(bytes{std::byte{0xFF}}));
  CHECK(pass<std::optional<int>>(nullptr).returned == value());
  CHECK(pass<std::optional<int>>(7).returned == value(7));
  CHECK(pass<std::vector<bool>>(list{true, false}).returned == value(list{true, false}));
  CHECK(pass<std::vector<std::vector<int>>>(list{value(list{1}), value(list{})}).returned
        == value(list{value(list{1}), value(list{})}));
  CHECK(pass<std::map<std::string, int>>(dict{{"a", 1}}).returned == value(dict{{"a", 1}}));
  CHECK(pass<std::array<int, 2>>(list{1, 2}).returned == value(list{1, 2}));
  CHECK(pass<std::pair<int, std::string>>(list{1, "a"}).returned == value(list{1, "a"}));
  CHECK(pass<std::tuple<>>(list{}).returned == value(list{}));
  CHECK(pass<std::tuple<bool, int, null>>(list{true, 2, nullptr}).returned
        == value(list{true, 2, nullptr}));
  CHECK(pass<point>(list{1.0, 2.0}).returned == value(list{1.0, 2.0}));
  CHECK(pass<std::vector<point>>(list{value(list{1.0, 2.0})}).returned
        == value(list{value(list{1.0, 2.0})}));
}

TEST_CASE("any value comes back through functions that take and give any", "[core][task]") {
  const auto seed = GENERATE(range(0, 50));
  INFO("seed = " << seed);
  maze::test::random_values values(static_cast<std::uint64_t>(seed));
  for (int i = 0; i < 40; ++i) {
    const value x = values.next();
    CHECK(pass<value>(x).returned == x);
    CHECK(pass<list>(list{x}).returned == value(list{x}));
    CHECK(pass<dict>(dict{{"x", x}}).returned == value(dict{{"x", x}}));
  }
}

TEST_CASE("numbers that are none and without end come back", "[core][task]") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto nan = pass<double>(std::nan("")).returned;
  REQUIRE(nan.has_value());
  CHECK(std::isnan(*nan->as<double>()));
  CHECK(pass<double>(-infinity).returned == value(-infinity));
  CHECK(pass<float>(infinity).returned == value(infinity));
  CHECK(std::signbit(*pass<double>(-0.0).returned->as<double>()));
  CHECK_THAT(pass<float>(1e300).failed.message, Contains("32 bits"));
}

TEST_CASE("types are named as workflows name them", "[core][task]") {
  CHECK(declared<void>() == "null");
  CHECK(declared<std::uint16_t>() == "int");
  CHECK(declared<float>() == "float");
  CHECK(declared<std::string_view>() == "string");
  CHECK(declared<std::filesystem::path>() == "path");
  CHECK(declared<bytes>() == "bytes");
  CHECK(declared<std::optional<int>>() == "any");
  CHECK(declared<std::tuple<int, bool>>() == "list");
  CHECK(declared<dict>() == "dict");
  CHECK(declared<list>() == "list");
  CHECK(declared<point>() == "list");
  STATIC_REQUIRE_FALSE(task_type<char>);
  STATIC_REQUIRE_FALSE(task_type<int*>);
  STATIC_REQUIRE_FALSE(task_type<std::vector<int*>>);
  STATIC_REQUIRE_FALSE(task_type<std::map<int, int>>);
}

TEST_CASE("an argument that does not fit is named with both types", "[core][task]") {
  const auto wrong = pass<std::string>(3).failed;
  CHECK(wrong.code == errc::invalid_payload);
  CHECK(wrong.message == "`f`, parameter `x`: expected string, got int");
  CHECK(wrong.origin == "f");
  CHECK(pass<std::uint8_t>(256).failed.message
        == "`f`, parameter `x`: expected an int from 0 to 255, got one beyond");
  CHECK(pass<std::uint8_t>(-1).failed.code == errc::invalid_payload);
  CHECK(pass<int>(1.0).failed.message == "`f`, parameter `x`: expected int, got float");
  CHECK(pass<std::vector<std::map<std::string, int>>>(list{value(dict{}), value(dict{{"k", "v"}})})
            .failed.message
        == "`f`, parameter `x`[1].k: expected int, got string");
  CHECK(pass<std::array<int, 3>>(list{1, 2}).failed.message
        == "`f`, parameter `x`: expected a list of 3 elements, got 2");
  CHECK(pass<point>(list{1.0}).failed.message
        == "`f`, parameter `x`: a point is a list of two numbers");
  CHECK(pass<bool>(blob_ref{{1, 2}, 3, "value"}).failed.message
        == "`f`, parameter `x`: expected bool, got blob");
}

TEST_CASE("a result that is no value names the place", "[core][task]") {
  const auto returns = [](auto result) {
    task_registry tasks;
    add_task_to(
        tasks, "f", [result] { return result; }, "");
    return call(tasks, list{}).failed;
  };
  const auto text = returns(std::vector<std::string>{"a", "\xFF"});
  CHECK(text.code == errc::invalid_payload);
  CHECK(text.message == "result of `f`[1]: text of 1 bytes is not UTF-8; give it as bytes");
  CHECK(returns(value(list{value(dict{{"k", "\xFF"}})})).message
        == "result of `f`[0].k: text of 1 bytes is not UTF-8; give it as bytes");
  CHECK_THAT(returns(std::numeric_limits<std::uint64_t>::max()).message, Contains("64 bits"));
  const auto deep = returns(maze::test::nested_lists(65));
  CHECK(deep.code == errc::limit_exceeded);
  CHECK_THAT(deep.message, Contains("deeper than 64 levels"));
  CHECK(deep.message.size() < 1000);
}

TEST_CASE("nesting counts up to its limit and not beyond", "[core][task]") {
  const auto deepest = maze::test::nested_dicts(64);
  CHECK(pass<value>(deepest).returned == deepest);
  CHECK(pass<value>(maze::test::nested_lists(64)).returned == maze::test::nested_lists(64));
}

TEST_CASE("a result may be as long as its limit and not longer", "[core][task]") {
  task_registry tasks;
  add_task_to(
      tasks, "f", [](std::uint32_t n) { return std::string(n, 'x'); }, "", arg("n"));
  // A tag and one byte of length.
  CHECK(call(tasks, list{100}, 102).returned.has_value());
  const auto over = call(tasks, list{101}, 102).failed;
  CHECK(over.code == errc::limit_exceeded);
  CHECK(over.message == "result of `f`: takes more than 102 bytes encoded");
  CHECK(call(tasks, list{0}, 1).failed.code == errc::limit_exceeded);
}

TEST_CASE("arguments come by position or by name, and defaults fill in", "[core][task]") {
  task_registry tasks;
  add_task_to(
      tasks, "f",
      [](std::string a, int b, std::optional<bool> c) {
        return a + std::to_string(b) + (c ? "c" : "");
      },
      "", arg("a"), arg("b") = 7, arg("c"));
  CHECK(call(tasks, list{"x"}).returned == value("x7"));
  CHECK(call(tasks, list{"x", 1, true}).returned == value("x1c"));
  CHECK(call(tasks, dict{{"a", "x"}}).returned == value("x7"));
  CHECK(call(tasks, dict{{"c", false}, {"b", 2}, {"a", "x"}}).returned == value("x2c"));
  CHECK(call(tasks, list{}).failed.message
        == "`f`, parameter `a`: no value is given, and it has no default");
  CHECK(call(tasks, dict{{"b", 1}}).failed.code == errc::invalid_payload);
  CHECK(call(tasks, dict{{"a", "x"}, {"z", 1}}).failed.message == "`f` has no parameter `z`");
  CHECK(call(tasks, list{"x", 1, true, 4}).failed.message
        == "`f` takes at most 3 arguments, got 4");
  CHECK(call(tasks, "x").failed.message == "`f` takes its arguments as list or dict, got string");
}

TEST_CASE("what a function throws becomes the error of its call", "[core][task]") {
  const auto throws = [](auto what) {
    task_registry tasks;
    tasks.name("lib", "1");
    add_task_to(tasks, "f", what, "");
    return call(tasks, list{}).failed;
  };
  const auto known = throws([] { throw std::out_of_range("vector::at"); });
  CHECK(known.code == errc::user_exception);
  CHECK(known.message == "std::out_of_range: vector::at");
  CHECK(known.origin == "lib.f");
  CHECK(throws([] { throw 42; }).message == "int was thrown");
  CHECK(throws([] { throw "text"; }).message == "const char*: text");
  CHECK(throws([] { throw std::string("text"); }).message == "std::string: text");
  CHECK(throws([] { throw maze::misfit("mine"); }).message == "maze::misfit: mine");
  const auto nested = throws([] {
    try {
      throw std::runtime_error("inner");
    } catch (...) {
      std::throw_with_nested(std::logic_error("outer"));
    }
  });
  CHECK_THAT(nested.message, Contains("outer"));
  CHECK_THAT(nested.evidence, Contains("because of std::runtime_error: inner"));
  CHECK(throws([] { throw std::runtime_error("\xFF"); }).message == "std::runtime_error: \\xff");
  CHECK(throws([] { throw std::runtime_error(std::string(1 << 20, 'x')); }).message.size() < 20000);
}

TEST_CASE("functions of every shape can be registered", "[core][task]") {
  struct counter {
    int calls = 0;
    int operator()() noexcept { return ++calls; }
  };
  task_registry tasks;
  add_task_to(tasks, "f", counter{}, "");
  CHECK(call(tasks, list{}).returned == value(1));
  CHECK(call(tasks, list{}).returned == value(2));
  CHECK(call_one([](const std::vector<int>& x) -> const std::vector<int>& { return x; }, list{1})
            .returned
        == value(list{1}));
  CHECK(call_one([](std::string&& x) { return std::move(x); }, "a").returned == value("a"));
  CHECK(call_one(
            +[](int) noexcept {}, 1)
            .returned
        == value());
}

TEST_CASE("a default says in the description what it is", "[core][task]") {
  task_registry tasks;
  add_task_to(
      tasks, "f", [](float, std::string, std::vector<int>) {}, "Does it.", arg("a") = 1,
      arg("b") = "text", arg("c") = std::vector<int>{1, 2}, resources{.cpu_millis = 2000},
      maze::about("backend", "torch"), maze::about("model_name", "resnet50"));
  const auto described = tasks.describe("c++");
  REQUIRE(described.has_value());
  const function_signature& f = described->functions.at(0);
  CHECK(f.description == "Does it.");
  CHECK(f.parameters
        == std::vector<parameter>{
            {"a", "float", value(1)}, {"b", "string", value("text")}, {"c", "list", list{1, 2}}});
  CHECK(f.result == "null");
  CHECK(f.needs == resources{.cpu_millis = 2000});
  CHECK(f.about
        == std::map<std::string, std::string>{{"backend", "torch"}, {"model_name", "resnet50"}});
  CHECK(decode_library_set(encode_library_set({{*described}})).has_value());
}

TEST_CASE("a default that does not fit its parameter is a fault of the library", "[core][task]") {
  task_registry tasks;
  add_task_to(
      tasks, "f", [](int) {}, "", arg("a") = "text");
  const auto described = tasks.describe("c++");
  REQUIRE_FALSE(described.has_value());
  CHECK(described.error().message == "function `f`, default of `a`: expected int, got string");
}

TEST_CASE("the name of a task is the last part of the name of its function", "[core][task]") {
  CHECK(maze::detail::last_name("a::b::count") == "count");
  CHECK(maze::detail::last_name("count") == "count");
}
