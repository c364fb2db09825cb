#include "maze/io/workflow_links.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;

namespace {

io::read_task_result task(const std::string& name) {
  io::read_task_result out;
  out.spec.name = name;
  out.spec.output = {.keys = {{"r", "dict"}}};
  out.output_known = true;
  return out;
}

io::reference_site site(std::string_view text, std::string wanted = "any") {
  return {core::parse_reference(text).value(), 0, "f", std::move(wanted)};
}

/// The codes of what is wrong with the tasks, in order.
std::string codes(const std::vector<io::read_task_result>& tasks,
                  const std::optional<io::reference_site>& result = {}) {
  const io::source_text source("text");
  io::findings found(source);
  io::check_links(found, tasks, result);
  std::string out;
  for (const auto& one : found.take("f"))
    out += (out.empty() ? "" : " ") + one.code;
  return out;
}

} // namespace

TEST_CASE("a reference is checked as deep as a command's output is known", "[io][workflow]") {
  const std::vector tasks{task("a")};
  CHECK(codes(tasks, site("a.output")).empty());
  CHECK(codes(tasks, site("a.output.r")).empty());
  CHECK(codes(tasks, site("a.output.r.exit_code", "float")).empty());
  CHECK(codes(tasks, site("a.output.r.stderr", "path")).empty());
  CHECK(codes(tasks, site("a.output.r.stdout", "word")).empty());
  CHECK(codes(tasks, site("b.output.r")) == "unknown_task");
  CHECK(codes(tasks, site("a.output.s")) == "unknown_output");
  CHECK(codes(tasks, site("a.output[0]")) == "unknown_output");
  CHECK(codes(tasks, site("a.output.\"[0]\"")) == "unknown_output");
  CHECK(codes(tasks, site("a.output.r[0]")) == "unknown_output_part");
  CHECK(codes(tasks, site("a.output.r.stdout.x")) == "unknown_output_part");
  CHECK(codes(tasks, site("a.output.r", "word")) == "not_a_word");
  CHECK(codes(tasks, site("a.output", "string")) == "type_mismatch");
  CHECK(codes(tasks, site("a.output.r.stdout", "bool")) == "type_mismatch");
}

TEST_CASE("an output that could not be read is not complained about again", "[io][workflow]") {
  auto broken = task("a");
  broken.output_known = false;
  CHECK(codes({broken}, site("a.output.whatever")).empty());
}

TEST_CASE("each circle is told once", "[io][workflow]") {
  auto a = task("a");
  auto b = task("b");
  a.sites.references = {site("b.output.r"), site("b.output.r.stdout")};
  a.after = {{"b", 0, "f"}};
  b.after = {{"a", 0, "f"}};
  CHECK(codes({a, b}) == "cycle");
  a.after.push_back({"a", 0, "f"});
  CHECK(codes({a, b}) == "self_reference cycle");
}

TEST_CASE("a long chain is no circle and no burden", "[io][workflow]") {
  std::vector<io::read_task_result> tasks;
  for (int i = 0; i < 20000; ++i) {
    tasks.push_back(task("t" + std::to_string(i)));
    if (i > 0)
      tasks.back().after.push_back({"t" + std::to_string(i - 1), 0, "f"});
  }
  CHECK(codes(tasks).empty());
  tasks.front().after.push_back({"t19999", 0, "f"});
  CHECK(codes(tasks) == "cycle");
}

TEST_CASE("each output of many is what it was declared as, with nothing inside", "[io][workflow]") {
  auto many = task("a");
  many.spec.output = {core::output_form::many,
                      {{"stdout", "string"}, {"stderr", "bytes"}, {"exit_code", "any"}}};
  const std::vector tasks{many};
  CHECK(codes(tasks, site("a.output", "dict")).empty());
  CHECK(codes(tasks, site("a.output.stdout", "string")).empty());
  CHECK(codes(tasks, site("a.output.stdout", "word")).empty());
  CHECK(codes(tasks, site("a.output.stderr", "bytes")).empty());
  CHECK(codes(tasks, site("a.output.stderr", "string")) == "type_mismatch");
  CHECK(codes(tasks, site("a.output.stderr", "word")) == "not_a_word");
  CHECK(codes(tasks, site("a.output.exit_code", "int")).empty());
  CHECK(codes(tasks, site("a.output.exit_code", "string")) == "type_mismatch");
  CHECK(codes(tasks, site("a.output.r")) == "unknown_output");
  CHECK(codes(tasks, site("a.output.stdout.x")) == "unknown_output_part");
  CHECK(codes(tasks, site("a.output.stdout[0]")) == "unknown_output_part");
}
