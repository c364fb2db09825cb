#include "maze/io/document.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze::io;

TEST_CASE("a text is one of the two languages, chosen by the caller", "[io][workflow]") {
  const source_text source("{\"a\": yes}");
  findings as_yaml(source);
  CHECK(parse_document(as_yaml, text_format::yaml));
  CHECK(as_yaml.empty());
  findings as_json(source);
  CHECK_FALSE(parse_document(as_json, text_format::json));
  CHECK(as_json.take("f").at(0).code == "json_syntax");
}

TEST_CASE("the first broken byte is found behind sound characters", "[io][workflow]") {
  for (const auto* text : {"aä\xC3", "aä\xC3(", "aä\x80", "aä\xED\xA0\x80", "aä\xF5\x80\x80\x80"}) {
    const source_text source(text);
    findings found(source);
    CHECK_FALSE(parse_document(found, text_format::yaml));
    const auto told = found.take("f");
    REQUIRE(told.size() == 1);
    CHECK(told[0].code == "not_utf8");
    CHECK(told[0].column == 3);
  }
}

TEST_CASE("nodes are described as people see them", "[io][workflow]") {
  const auto words = [](std::string text, bool plain) {
    return describe(document_node{0, plain, std::move(text)});
  };
  CHECK(words("7", true) == "the number 7");
  CHECK(words("7", false) == "the text \"7\"");
  CHECK(words("seven", true) == "the text seven");
  CHECK(words("true", true) == "true");
  CHECK(words("yes", true) == "yes");
  CHECK(words("null", true) == "null");
  CHECK(words("", true) == "nothing");
  CHECK(words("", false) == "the text \"\"");
  CHECK(words("two\nlines", false) == "the text \"two…\"");
  CHECK(words(std::string(59, 'x') + "ä", false) == "the text \"" + std::string(59, 'x') + "…\"");
  CHECK(describe({0, false, document_node::list{}}) == "a list");
  CHECK(describe({0, false, document_node::map{}}) == "a map");
}
