#include "maze/core/task_registry.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;

namespace {

task_definition named(std::string name) {
  task_definition out;
  out.signature.name = std::move(name);
  out.run = [](task_call& call) { call.result.text(call.function.name); };
  return out;
}

std::string fault_of(const task_registry& tasks) {
  const auto described = tasks.describe("c++");
  return described ? std::string() : described.error().message;
}

struct answer {
  call_outcome outcome = call_outcome::returned;
  std::string payload;
  int times = 0;
};

answer call(const task_registry& tasks, std::uint32_t function, std::string_view arguments) {
  answer out;
  tasks.call(
      function, arguments, 1000,
      [](void* context, call_outcome outcome, std::string_view payload) {
        auto& to = *static_cast<answer*>(context);
        to = {outcome, std::string(payload), to.times + 1};
      },
      &out);
  return out;
}

} // namespace

TEST_CASE("functions are numbered in the order of their names", "[core][task_registry]") {
  task_registry tasks;
  tasks.name("lib", "2");
  for (const char* name : {"c", "a", "b"})
    tasks.add(named(name));
  const auto described = tasks.describe("c++");
  REQUIRE(described.has_value());
  CHECK(described->name == "lib");
  CHECK(described->version == "2");
  CHECK(described->compiler == "c++");
  REQUIRE(tasks.size() == 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto out = call(tasks, i, *encode(list{}));
    CHECK(out.times == 1);
    CHECK(*decode(out.payload) == value(described->functions[i].name));
  }
}

TEST_CASE("of two functions with one name the later counts, and that is told",
          "[core][task_registry]") {
  task_registry tasks;
  for (const char* text : {"first", "second", "third"}) {
    auto f = named("f");
    f.signature.description = text;
    f.run = [text](task_call& call) { call.result.text(text); };
    tasks.add(std::move(f));
  }
  tasks.add(named("g"));
  const auto described = tasks.describe("c++");
  REQUIRE(described.has_value());
  REQUIRE(described->functions.size() == 2);
  CHECK(described->functions[0].description == "third");
  CHECK(described->warnings
        == std::vector<std::string>(2, "there are two functions named 'f', the later counts"));
  CHECK(*decode(call(tasks, 0, *encode(list{})).payload) == value("third"));
}

TEST_CASE("what is registered wrongly is told when it is described", "[core][task_registry]") {
  task_registry odd;
  odd.add(named("a b"));
  CHECK(fault_of(odd)
        == "function `a b` has a name that no task can use; register it under another");
  task_registry parameters;
  auto f = named("f");
  f.signature.parameters = {{"x", "any", {}}, {"x", "any", {}}};
  f.defaults = {"", ""};
  parameters.add(std::move(f));
  CHECK(fault_of(parameters)
        == "function `f` has a parameter `x`, which is no name or occurs twice");
}

TEST_CASE("arguments that are no value are a failed call", "[core][task_registry]") {
  task_registry tasks;
  tasks.add(named("f"));
  for (const std::string& bytes :
       {std::string(), std::string("\x20"), std::string("\7"),
        std::string("\7\xFF\xFF\xFF\xFF\x0F"), std::string("\x08\1\1a")}) {
    const auto out = call(tasks, 0, bytes);
    CHECK(out.outcome == call_outcome::failed);
    CHECK(out.times == 1);
    CHECK(from_binary<error>(out.payload, "error")->code == errc::invalid_payload);
  }
}

TEST_CASE("each program has one registry of its own", "[core][task_registry]") {
  CHECK(&tasks_of_this_library() == &tasks_of_this_library());
}
