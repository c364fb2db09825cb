#include "maze/io/expression_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;

TEST_CASE("each reference is remembered with its place and what the place wants",
          "[io][workflow]") {
  test::read_document doc("{in: [1, [a.output.r]], typed: b.output.r, word: c.output.r.stdout}");
  io::expression_sites sites;
  io::expression_reader sut(doc.read, sites);
  CHECK(sut.input(doc["in"], doc.field / "in", "list"));
  CHECK(sut.input(doc["typed"], doc.field / "typed", "dict"));
  CHECK(sut.word(doc["word"], doc.field / "word", {}));
  REQUIRE(sites.references.size() == 3);
  CHECK(sites.references[0].field == "in[1][0]");
  CHECK(sites.references[0].wanted == "any");
  CHECK(sites.references[0].offset == 10);
  CHECK(sites.references[1].wanted == "dict");
  CHECK(sites.references[2].wanted == "word");
  CHECK(core::to_string(sites.references[2].target) == "c.output.r.stdout");
  CHECK(doc.codes().empty());
}

TEST_CASE("a literal is never a reference, at any depth", "[io][workflow]") {
  test::read_document doc("{a: {literal: x.output.y}, b: [{literal: [x.output..]}]}");
  io::expression_sites sites;
  io::expression_reader sut(doc.read, sites);
  CHECK(sut.input(doc["a"], doc.field, "any") == core::input_expression{core::value("x.output.y")});
  CHECK(sut.input(doc["b"], doc.field, "any")
        == core::input_expression{core::value(core::list{core::value(core::list{"x.output.."})})});
  CHECK(sites.references.empty());
  CHECK(doc.codes().empty());
}

TEST_CASE("one broken element does not hide the next", "[io][workflow]") {
  test::read_document doc("{x: [yes, a.output.., {k: a.output.r}, {literal: 1, z: 2}, no]}");
  io::expression_sites sites;
  io::expression_reader sut(doc.read, sites);
  CHECK_FALSE(sut.input(doc["x"], doc.field, "any"));
  CHECK(doc.codes()
        == "ambiguous_scalar malformed_reference reference_in_dictionary bad_literal "
           "ambiguous_scalar");
}

TEST_CASE("only text that starts as a reference can be a result", "[io][workflow]") {
  test::read_document doc("{good: a.output, bad: a.out, wrong: \"a.output[x]\"}");
  io::expression_sites sites;
  io::expression_reader sut(doc.read, sites);
  CHECK(sut.reference(doc["good"], doc.field));
  CHECK_FALSE(sut.reference(doc["bad"], doc.field));
  CHECK_FALSE(sut.reference(doc["wrong"], doc.field));
  CHECK(doc.codes() == "not_a_reference malformed_reference");
}
