#include "maze/io/task_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;

namespace {

io::read_task_result read(test::read_document& doc, const io::task_attributes& defaults = {}) {
  const auto& member = doc.root.as_map()->at(0);
  return io::read_task(doc.read, member, doc.field / member.key, defaults);
}

} // namespace

TEST_CASE("a task is read with the places of its references and names", "[io][workflow]") {
  test::read_document doc("a: {command: [x, b.output.r.stdout], after: [c, d], output: {o: dict}}");
  const auto task = read(doc);
  CHECK(doc.codes().empty());
  CHECK(task.output_known);
  CHECK(task.spec.name == "a");
  REQUIRE(task.sites.references.size() == 1);
  CHECK(task.sites.references[0].field == "a.command[1]");
  REQUIRE(task.after.size() == 2);
  CHECK(task.after[1].name == "d");
  CHECK(task.after[1].field == "a.after[1]");
}

TEST_CASE("a task whose output is broken is still a task, with an unknown output",
          "[io][workflow]") {
  test::read_document doc("a: {shell: x, output: {r: dict, s: dict}}");
  const auto task = read(doc);
  CHECK_FALSE(task.output_known);
  CHECK(task.spec.name == "a");
  CHECK(doc.codes() == "output_not_single");
}

TEST_CASE("the output may come from the defaults", "[io][workflow]") {
  io::task_attributes defaults;
  defaults.output = core::task_output{.keys = {{"r", "any"}}};
  test::read_document doc("a: {shell: x}");
  CHECK(read(doc, defaults).spec.output == core::task_output{.keys = {{"r", "any"}}});
  CHECK(doc.codes().empty());
}

TEST_CASE("a command may name a parameter that stands behind it", "[io][workflow]") {
  test::read_document doc("a: {command: [x, {param: p}], inputs: {p: 1}, output: {o: dict}}");
  const auto task = read(doc);
  CHECK(doc.codes().empty());
  CHECK(std::get<core::command_action>(task.spec.action).argv[1]
        == core::command_word{core::parameter_word{"p"}});
}

TEST_CASE("globs stay inside the taskspace", "[io][workflow]") {
  test::read_document doc("{g: [\"*.c\", a/**/b, ..x/y.., \"\", /a, a/.., ../a, ..]}");
  CHECK(io::read_globs(doc.read, doc["g"], doc.field)
        == std::vector<std::string>{"*.c", "a/**/b", "..x/y.."});
  CHECK(doc.codes() == "bad_glob bad_glob bad_glob bad_glob bad_glob");
}

TEST_CASE("a task that asks for GPUs cannot inherit a choice of them", "[io][workflow]") {
  io::task_attributes defaults;
  defaults.output = core::task_output{.keys = {{"r", "any"}}};
  defaults.environment = {{"CUDA_VISIBLE_DEVICES", "1"}};
  SECTION("where it asks itself") {
    test::read_document doc("a: {shell: x, gpus: 1}");
    read(doc, defaults);
    CHECK(doc.codes() == "reserved_variable");
  }
  SECTION("where it asks for none, it may choose") {
    test::read_document doc("a: {shell: x, env: {CUDA_DEVICE_ORDER: PCI_BUS_ID}}");
    CHECK(read(doc, defaults).spec.environment.size() == 2);
    CHECK(doc.codes().empty());
  }
}

TEST_CASE("modules that may be imported are told to Python functions alone", "[io][workflow]") {
  io::task_attributes defaults;
  defaults.output = core::task_output{.keys = {{"r", "any"}}};
  defaults.sandbox.imports = std::vector<std::string>{"json"};
  SECTION("those of the defaults are not meant for commands") {
    test::read_document doc("a: {shell: x}");
    CHECK_FALSE(read(doc, defaults).spec.sandbox.imports);
    CHECK(doc.codes().empty());
  }
  SECTION("but for Python") {
    test::read_document doc("a: {code: \"def f(): pass\"}");
    CHECK(read(doc, defaults).spec.sandbox.imports);
    CHECK(doc.codes().empty());
  }
  SECTION("a command that says them itself is wrong") {
    test::read_document doc("a: {shell: x, sandbox: {allowed_imports: [math]}}");
    CHECK_FALSE(read(doc, defaults).spec.sandbox.imports);
    CHECK(doc.codes() == "bad_sandbox");
  }
}

TEST_CASE("a task says which files it reads and writes", "[io][workflow]") {
  io::task_attributes defaults;
  defaults.output = core::task_output{.keys = {{"r", "any"}}};
  defaults.file_report = core::file_report_mode::observe;
  SECTION("as globs") {
    test::read_document doc("a: {shell: x, reads: [src, \"*.h\"], writes: [\"out/**\"]}");
    CHECK(read(doc, defaults).spec.files
          == core::file_declaration{.reads = {"src", "*.h"},
                                    .writes = {"out/**"},
                                    .report = core::file_report_mode::observe});
    CHECK(doc.codes().empty());
  }
  SECTION("in its folder only") {
    test::read_document doc("a: {shell: x, reads: [/etc/passwd], writes: [\"../b\"]}");
    read(doc, defaults);
    CHECK(doc.codes() == "bad_glob bad_glob");
  }
}

TEST_CASE("a child that serves many calls has no files to report", "[io][workflow]") {
  io::task_attributes defaults;
  defaults.output = core::task_output{.keys = {{"r", "any"}}};
  const std::string child = GENERATE("warm", "forked");
  SECTION("whoever wants it") {
    defaults.file_report = core::file_report_mode::observe;
    test::read_document doc("a: {code: \"def f(): pass\", child: " + child + "}");
    read(doc, defaults);
    CHECK(doc.codes() == "key_of_other_kind");
  }
  SECTION("unless the task itself wants none") {
    defaults.file_report = core::file_report_mode::strict;
    test::read_document doc("a: {code: \"def f(): pass\", file_report: none, child: " + child
                            + "}");
    read(doc, defaults);
    CHECK(doc.codes().empty());
  }
}
