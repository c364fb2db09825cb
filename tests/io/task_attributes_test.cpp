#include "maze/io/task_attributes.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace maze;
using namespace std::chrono_literals;

namespace {

io::task_attributes read(test::read_document& doc, io::task_attributes base = {}) {
  return io::read_attributes(doc.read, *doc.root.as_map(), doc.field, std::move(base));
}

} // namespace

TEST_CASE("without attributes the base stays as it is", "[io][workflow]") {
  test::read_document doc("{command: [ls]}");
  io::task_attributes base;
  base.retries = 7;
  base.sandbox.open_files = 3;
  base.environment = {{"A", "x"}};
  const auto out = read(doc, base);
  CHECK(out.retries == 7);
  CHECK(out.sandbox.open_files == 3);
  CHECK(out.environment.at("A") == "x");
  CHECK(doc.codes().empty());
}

TEST_CASE("null takes a limit away, and only a limit", "[io][workflow]") {
  io::task_attributes base;
  base.sandbox.wall_time = 5s;
  base.sandbox.processes = 4;
  test::read_document doc("{timeout: null, sandbox: {processes: null}, retries: null}");
  const auto out = read(doc, base);
  CHECK_FALSE(out.sandbox.wall_time);
  CHECK_FALSE(out.sandbox.processes);
  CHECK(doc.codes() == "expected_integer");
}

TEST_CASE("a broken attribute leaves what the base says", "[io][workflow]") {
  io::task_attributes base;
  base.needs.memory = {512};
  base.sandbox.wall_time = 5s;
  test::read_document doc("{memory: much, timeout: long, cpus: many}");
  const auto out = read(doc, base);
  CHECK(out.needs.memory.value == 512);
  CHECK(out.sandbox.wall_time == core::duration(5s));
  CHECK(doc.codes() == "bad_byte_count bad_duration expected_number");
}

TEST_CASE("needs that are written are told from those that are not", "[io][workflow]") {
  io::task_attributes base;
  base.written.memory = true;
  test::read_document doc("{cpus: 1}");
  const auto out = read(doc, base);
  CHECK(out.written == core::written_needs{.cpus = true, .memory = true});
}

TEST_CASE("an output that is wrong is neither known nor missing", "[io][workflow]") {
  io::task_attributes base;
  base.output = core::task_output{.keys = {{"r", "dict"}}};
  test::read_document doc("{output: [x]}");
  const auto out = read(doc, base);
  CHECK_FALSE(out.output);
  CHECK(out.output_broken);
  CHECK(doc.codes() == "expected_map");
}

TEST_CASE("the container level has a second name", "[io][workflow]") {
  test::read_document doc("{sandbox: docker}");
  CHECK(read(doc).sandbox.level == core::sandbox_level::container);
}

TEST_CASE("parts of a sealed sandbox are read, and null takes away those of the base",
          "[io][workflow]") {
  test::read_document doc("{sandbox: {level: seccomp, network: true, readable: [/opt/a/, /b], "
                          "writable: [/c], syscalls: ['@ipc', 101, ptrace]}}");
  const auto out = read(doc, {});
  CHECK(out.sandbox.network == true);
  CHECK(out.sandbox.readable == std::vector<std::string>{"/opt/a", "/b"});
  CHECK(out.sandbox.writable == std::vector<std::string>{"/c"});
  CHECK(out.sandbox.syscalls == std::vector<std::string>{"@ipc", "101", "ptrace"});
  test::read_document lifting("{sandbox: {level: subprocess, network: null, readable: null, "
                              "writable: null, syscalls: null}}");
  CHECK(read(lifting, out).sandbox == core::sandbox_spec{});
  CHECK(doc.codes() + lifting.codes() == "");
}

TEST_CASE("a report of files is not made, listed or strict", "[io][workflow]") {
  using core::file_report_mode;
  io::task_attributes base;
  CHECK(base.file_report == file_report_mode::none);
  for (const auto& [word, mode] :
       {std::pair{"none", file_report_mode::none}, std::pair{"observe", file_report_mode::observe},
        std::pair{"strict", file_report_mode::strict}}) {
    test::read_document doc(std::string("{file_report: ") + word + "}");
    CHECK(read(doc, base).file_report == mode);
    CHECK(doc.codes().empty());
  }
  base.file_report = file_report_mode::strict;
  test::read_document wrong("{file_report: maybe}");
  CHECK(read(wrong, base).file_report == file_report_mode::strict);
  CHECK(wrong.codes() == "unknown_choice");
}

TEST_CASE("parts of a sandbox that are written are known, those of defaults included",
          "[io][workflow]") {
  io::task_attributes base;
  base.written.sandbox.add(core::sandbox_part::memory);
  test::read_document doc("{timeout: 5s, sandbox: {max_cpu_time: 5, network: null}}");
  const auto said = read(doc, base).written.sandbox;
  CHECK(doc.codes().empty());
  for (const auto part : {core::sandbox_part::memory, core::sandbox_part::timeout,
                          core::sandbox_part::cpu_time, core::sandbox_part::network})
    CHECK(said.has(part));
  CHECK_FALSE(said.has(core::sandbox_part::level));
  test::read_document level("{sandbox: seccomp}");
  CHECK(read(level).written.sandbox.has(core::sandbox_part::level));
}

TEST_CASE("a task lists permissions that it needs besides", "[io][workflow]") {
  test::read_document doc("{required_permissions: [network_access, read_files]}");
  const auto out = read(doc).permissions;
  CHECK(doc.codes().empty());
  CHECK(core::to_string(out) == "read_files, network_access");
  test::read_document wrong("{required_permissions: [root]}");
  CHECK(read(wrong).permissions.empty());
  CHECK(wrong.codes() == "unknown_choice");
}

TEST_CASE("a task says what its node must be labelled with, in either way", "[io][workflow]") {
  test::read_document doc("{labels: {disk: ssd, node: w-1.a}, required_role: mobile, "
                          "required_platform: android}");
  CHECK(read(doc).labels
        == core::node_labels{
            {"disk", "ssd"}, {"node", "w-1.a"}, {"role", "mobile"}, {"platform", "android"}});
  CHECK(doc.codes().empty());
  for (const char* text : {"{labels: {\"a b\": x}}", "{labels: {a: \"\"}}", "{required_role: \"\"}",
                           "{labels: {a: \"b,c\"}}"}) {
    test::read_document wrong(text);
    CHECK(read(wrong).labels.empty());
    CHECK(wrong.codes() == "bad_label");
  }
  for (const char* text :
       {"{labels: {role: a}, required_role: a}", "{required_platform: a, labels: {platform: b}}"}) {
    test::read_document twice(text);
    read(twice);
    CHECK(twice.codes() == "bad_label");
  }
  io::task_attributes base;
  base.labels = {{"disk", "ssd"}, {"role", "desk"}};
  for (const auto& [text, left] :
       {std::pair{"{labels: {disk: null, a: b}}", core::node_labels{{"a", "b"}, {"role", "desk"}}},
        std::pair{"{labels: null, required_role: mobile}", core::node_labels{{"role", "mobile"}}},
        std::pair{"{required_role: null}", core::node_labels{{"disk", "ssd"}}}}) {
    test::read_document lifted(text);
    CHECK(read(lifted, base).labels == left);
    CHECK(lifted.codes().empty());
  }
  test::read_document number("{labels: {a: 1}}");
  read(number);
  CHECK(number.codes() == "expected_text");
  std::string many = "{labels: {";
  for (int i = 0; i < 65; ++i)
    many += "l" + std::to_string(i) + ": x, ";
  test::read_document too_many((many + "}}").c_str());
  read(too_many);
  CHECK(too_many.codes() == "bad_label");
}

TEST_CASE("a task has one word for its time", "[io][workflow]") {
  for (const char* text : {"{timeout: 1s, sandbox: {timeout: 5s}}",
                           "{timeout: 1s, sandbox: {max_execution_time: 5}}"}) {
    test::read_document doc(text);
    read(doc);
    CHECK(doc.codes() == "bad_sandbox");
  }
  test::read_document apart("{timeout: 1s, sandbox: seccomp}");
  read(apart);
  CHECK(apart.codes().empty());
}
