#include "maze/core/library.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::core;

namespace {

function_signature full() {
  return {.name = "count",
          .description = "Counts.",
          .parameters = {{"text", "string", {}}, {"least", "int", value(1)}},
          .result = "dict",
          .needs = resources{.cpu_millis = 2000},
          .about = {{"backend", "torch"}}};
}

library_set sample_set() {
  function_signature plain;
  plain.name = "plain";
  return {{{.name = "text",
            .version = "1.2",
            .compiler = "gcc 12",
            .functions = {full(), plain},
            .warnings = {}},
           {.name = "", .version = "", .compiler = "", .functions = {}, .warnings = {"odd"}}}};
}

error refusal(const library_set& x) {
  const auto back = decode_library_set(encode_library_set(x));
  REQUIRE_FALSE(back.has_value());
  return back.error();
}

library_set one(function_signature x) { return {{{.functions = {std::move(x)}}}}; }

} // namespace

TEST_CASE("a description is read as it was written", "[core][library]") {
  const auto back = decode_library_set(encode_library_set(sample_set()));
  REQUIRE(back.has_value());
  CHECK(*back == sample_set());
}

TEST_CASE("a function of a library is found by its name", "[core][library]") {
  const auto x = sample_set().libraries.front();
  REQUIRE(x.find("plain") != nullptr);
  CHECK(x.find("plain")->name == "plain");
  CHECK(x.find("none") == nullptr);
}

TEST_CASE("a description that was cut or has more behind it is refused", "[core][library]") {
  const auto whole = encode_library_set(sample_set());
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK_FALSE(decode_library_set(whole.substr(0, n)).has_value());
  CHECK_FALSE(decode_library_set(whole + '\0').has_value());
}

TEST_CASE("a description with one byte changed is refused or another one", "[core][library]") {
  const auto whole = encode_library_set(sample_set());
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int to = 0; to < 256; to += 5) {
      auto bytes = whole;
      bytes[at] = static_cast<char>(to);
      if (const auto back = decode_library_set(bytes))
        CHECK(encode_library_set(*back) == bytes);
    }
}

TEST_CASE("another format is told from a broken one", "[core][library]") {
  auto bytes = encode_library_set(sample_set());
  bytes[0] = 77;
  CHECK(decode_library_set(bytes).error().code == errc::unsupported_operation);
}

TEST_CASE("names, types and defaults of a description are checked", "[core][library]") {
  auto x = full();
  x.name = "no name";
  CHECK(refusal(one(x)).code == errc::malformed);
  x = full();
  x.result = "strange";
  CHECK(refusal(one(x)).message == "function 'count' returns 'strange', which is no type");
  x = full();
  x.parameters[1].name = "text";
  CHECK(refusal(one(x)).code == errc::malformed);
  x = full();
  x.parameters[0].type = "";
  CHECK(refusal(one(x)).code == errc::malformed);
  x = full();
  x.parameters[1].default_value = "text";
  CHECK(refusal(one(x)).message == "function 'count' has a default for 'least' that is no int");
  auto twice = one(full());
  twice.libraries[0].functions.push_back(full());
  CHECK(refusal(twice).message == "function 'count' is there twice");
}
