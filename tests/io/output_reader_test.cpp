#include "maze/io/output_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using core::output_form;

namespace {

io::task_attributes read_outputs(test::read_document& doc, io::task_attributes base = {}) {
  const auto& members = *doc.root.as_map();
  io::read_form(doc.read, members, doc.field, base);
  if (const auto* output = io::find_member(members, "output"))
    io::read_output(doc.read, output->value, doc.field, base);
  return base;
}

} // namespace

TEST_CASE("with many outputs the parts of a command are declared, each with its type",
          "[io][workflow]") {
  test::read_document doc(
      "{output: {stdout: bytes, exit_code: {type: int}, stderr: }, outputs: many}");
  const auto out = read_outputs(doc);
  CHECK(doc.codes().empty());
  CHECK(out.form == output_form::many);
  CHECK(out.output
        == core::task_output{output_form::many,
                             {{"stdout", "bytes"}, {"exit_code", "int"}, {"stderr", "any"}}});
}

TEST_CASE("without a word about it a task has one output", "[io][workflow]") {
  test::read_document doc("{output: {r: dict}}");
  CHECK(read_outputs(doc).output == core::task_output{output_form::one, {{"r", "dict"}}});
  test::read_document two("{output: {r: dict, s: dict}}");
  const auto out = read_outputs(two);
  CHECK_FALSE(out.output);
  CHECK(out.output_broken);
  CHECK(two.codes() == "output_not_single");
}

TEST_CASE("an output is inherited only in the form in which it was declared", "[io][workflow]") {
  io::task_attributes base;
  base.output = core::task_output{output_form::one, {{"r", "dict"}}};
  test::read_document same("{outputs: one}");
  CHECK(read_outputs(same, base).output == base.output);
  CHECK(same.codes().empty());
  test::read_document other("{outputs: many}");
  CHECK_FALSE(read_outputs(other, base).output);
  CHECK(other.codes() == "output_missing");
  test::read_document whole("{outputs: many, output: {stdout: string}}");
  CHECK(read_outputs(whole, base).output->keys.size() == 1);
  CHECK(whole.codes().empty());
}

TEST_CASE("where the form is wrong the output is not judged by another", "[io][workflow]") {
  test::read_document doc("{outputs: several, output: {stdout: string, exit_code: int}}");
  const auto out = read_outputs(doc);
  CHECK(out.form_broken);
  CHECK(out.output_broken);
  CHECK(doc.codes() == "unknown_choice");
}

TEST_CASE("the outputs of functions have any key and type", "[io][workflow]") {
  io::task_attributes base;
  base.of_functions = true;
  test::read_document one("{output: {n: int}}");
  CHECK(read_outputs(one, base).output == core::task_output{output_form::one, {{"n", "int"}}});
  test::read_document many("{outputs: many, output: {image: bytes, rest: }}");
  CHECK(read_outputs(many, base).output
        == core::task_output{output_form::many, {{"image", "bytes"}, {"rest", "any"}}});
  CHECK(one.codes().empty());
  CHECK(many.codes().empty());
}
