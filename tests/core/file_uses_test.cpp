#include "maze/core/file_uses.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

using enum file_difference;
using enum file_sight;

file_entry link_to(std::string target) {
  return {.kind = file_kind::symlink, .mode = 0777, .target = std::move(target)};
}

/// What is there at first: two files, one of them in a folder, a folder and a symbolic link.
std::shared_ptr<const file_map> things() {
  return std::make_shared<const file_map>(file_map{
      {"a", {}}, {"in", {.kind = file_kind::directory}}, {"in/b", {}}, {"s", link_to("a")}});
}

struct told {
  file_uses uses{things()};
  task_spec spec;
  manifest_delta delta;
  std::vector<std::string> left_out;
  file_map withheld;

  told() { spec.files.report = file_report_mode::observe; }
  told& saw(std::string_view path, std::initializer_list<file_sight> sights) {
    for (const file_sight each : sights)
      uses.saw(path, each);
    return *this;
  }
  [[nodiscard]] file_report report() const {
    return report_files(spec, uses, {delta, left_out, withheld});
  }
  [[nodiscard]] std::vector<file_finding> findings() const { return report().findings; }
};

const std::vector<file_finding> nothing;
const std::vector<file_finding> a_is_read{{undeclared_read, "a"}};

} // namespace

TEST_CASE("a file that was opened for reading and closed was read", "[core][file_uses]") {
  CHECK(told().saw("a", {opened, closed_unwritten}).findings() == a_is_read);
}

TEST_CASE("a file that was opened and never closed counts as read", "[core][file_uses]") {
  CHECK(told().saw("a", {opened}).findings() == a_is_read);
  CHECK(told().saw("a", {opened, replaced}).findings() == a_is_read);
}

TEST_CASE("a file whose content got another name counts as read", "[core][file_uses]") {
  CHECK(told().saw("a", {taken}).findings() == a_is_read);
}

TEST_CASE("a file that was written first holds what the attempt wrote", "[core][file_uses]") {
  told x;
  x.delta.written["a"] = {};
  x.spec.files.writes = {"a"};
  x.saw("a", {opened, closed_written, opened, closed_unwritten, taken});
  CHECK(x.findings() == nothing);
}

TEST_CASE("a file that was replaced before anybody looked was not read", "[core][file_uses]") {
  CHECK(told().saw("a", {replaced, opened, closed_unwritten}).findings() == nothing);
}

TEST_CASE("a file whose attributes were set was not read by that", "[core][file_uses]") {
  CHECK(told().saw("a", {marked}).findings() == nothing);
  CHECK(told().saw("a", {marked, opened, closed_unwritten}).findings() == a_is_read);
  CHECK(told().saw("a", {opened, marked}).findings() == a_is_read);
  CHECK(told().saw("a", {marked, replaced, marked}).findings() == nothing);
}

TEST_CASE("a file that was touched unseen had another name, and counts as read",
          "[core][file_uses]") {
  const auto touched = [](std::initializer_list<file_sight> sights, const char* missed = "") {
    told x;
    x.saw("a", sights);
    x.uses.miss(missed);
    x.uses.touched("a");
    return x.findings();
  };
  CHECK(touched({}) == a_is_read);
  CHECK(touched({marked}) == nothing);
  CHECK(touched({replaced}) == nothing);
  // What was done may be what nobody saw.
  CHECK(touched({}, "some") == nothing);
}

TEST_CASE("a file that was opened for writing and left as it was counts as read",
          "[core][file_uses]") {
  told x;
  x.saw("a", {opened, closed_written});
  CHECK(x.findings() == a_is_read);
  // Unless the task says that it writes it,
  x.spec.files.writes = {"a"};
  CHECK(x.findings() == nothing);
  // or it may have changed where nobody looks.
  x.spec.files.writes.clear();
  x.left_out = {"a"};
  CHECK(x.findings() == nothing);
}

TEST_CASE("what was not there at first is not read, nor are folders and links",
          "[core][file_uses]") {
  told x;
  for (const char* each : {"new", "in", "s", "in/new", ""})
    x.saw(each, {opened, closed_unwritten});
  CHECK(x.findings() == nothing);
  CHECK(x.uses.all().empty());
}

TEST_CASE("reads may be declared by file, by glob and by folder", "[core][file_uses]") {
  told x;
  x.saw("a", {opened, closed_unwritten}).saw("in/b", {opened, closed_unwritten});
  for (const std::vector<std::string>& reads :
       {std::vector<std::string>{"a", "in/b"}, {"a", "in"}, {"*"}, {"**"}, {"a", "in/*"}}) {
    x.spec.files.reads = reads;
    CHECK(x.findings() == nothing);
  }
  x.spec.files.reads = {"in/a", "b"};
  CHECK(x.findings() == std::vector<file_finding>{{undeclared_read, "a"}, {unused_read, "in/a"}});
}

TEST_CASE("the file of a Python function is declared by being named", "[core][file_uses]") {
  told x;
  x.spec.action = python_action{.source = python_source::file, .text = "a", .entry = {}};
  x.saw("a", {opened, closed_unwritten});
  CHECK(x.findings() == nothing);
}

TEST_CASE("writes may be declared, and what is published for being named is", "[core][file_uses]") {
  told x;
  x.delta.written = {{"in", {.kind = file_kind::directory}}, {"in/new", {}}, {"l", link_to("a")}};
  CHECK(x.findings()
        == std::vector<file_finding>{{undeclared_write, "in/new"}, {undeclared_write, "l"}});
  x.spec.files.writes = {"in"};
  x.spec.publishes = {"l"};
  CHECK(x.findings() == nothing);
}

TEST_CASE("removals may be declared as writes or as deletions", "[core][file_uses]") {
  told x;
  x.delta.removed = {"a", "in", "not/there"};
  CHECK(x.findings()
        == std::vector<file_finding>{{undeclared_removal, "a"}, {undeclared_removal, "in/b"}});
  x.spec.files.writes = {"a"};
  x.spec.deletes = {"in/*"};
  CHECK(x.findings() == nothing);
}

TEST_CASE("a glob of reads that nothing fits is told", "[core][file_uses]") {
  told x;
  x.spec.files.reads = {"in", "a", "in"};
  x.saw("a", {opened, closed_unwritten});
  CHECK(x.findings() == std::vector<file_finding>{{unused_read, "in"}, {unused_read, "in"}});
  CHECK_FALSE(x.report().goes_beyond());
}

TEST_CASE("a report lists so many files and counts the rest", "[core][file_uses]") {
  told x;
  for (std::size_t i = 0; i < file_report::findings_max + 5; ++i)
    x.delta.written[std::to_string(i)] = {};
  CHECK(x.findings().size() == file_report::findings_max);
  CHECK(x.report().more == 5);
  told longer;
  for (char name : {'x', 'y', 'z'})
    longer.delta.written[std::string(file_report::path_bytes_max / 2, name)] = {};
  CHECK(longer.findings().size() == 2);
  CHECK(longer.report().more == 1);
}

TEST_CASE("sights that are missing make a report incomplete", "[core][file_uses]") {
  told x;
  CHECK(x.report().complete);
  x.uses.miss("first");
  x.uses.miss("second");
  CHECK(x.uses.missed() == "first");
  CHECK_FALSE(x.report().complete);
}

TEST_CASE("a folder in the place of a file, shown or not, is written", "[core][file_uses]") {
  told x;
  x.withheld = {{"h", {}}, {"k", {.kind = file_kind::directory}}};
  for (const char* path : {"a", "h", "in", "k", "n"})
    x.delta.written[path] = {.kind = file_kind::directory};
  CHECK(x.findings()
        == std::vector<file_finding>{{undeclared_write, "a"}, {undeclared_write, "h"}});
  x.spec.files.writes = {"a", "h"};
  CHECK(x.findings() == nothing);
}

TEST_CASE("what was withheld is told of strict tasks, and is neither read nor removed",
          "[core][file_uses]") {
  told x;
  x.withheld = {{"h", {}}, {"k", {.kind = file_kind::directory}}, {"k/l", link_to("../a")}};
  CHECK(x.report().withheld == withheld_files{});
  x.spec.files.report = file_report_mode::strict;
  CHECK(x.report().withheld == withheld_files{.total = 2, .paths = {"h", "k/l"}});
  CHECK(x.findings() == nothing);
}

TEST_CASE("only a strict report fails an attempt, by what goes beyond or cannot be told",
          "[core][file_uses]") {
  file_uses uses(things());
  uses.miss("why");
  const file_map hidden{{"h", {}}};
  const file_map by_name{{"a", {}}};
  file_report report{.mode = file_report_mode::observe, .complete = false, .findings = a_is_read};
  CHECK(check_files(report, uses, by_name));
  report.mode = file_report_mode::strict;
  const auto beyond = check_files(report, uses, {});
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().code == errc::permission_denied);
  CHECK_FALSE(is_retryable(beyond.error().code));
  CHECK(beyond.error().message.find("read a,") != std::string::npos);
  report.findings = {{unused_read, "a"}};
  CHECK(check_files(report, uses, hidden));
  const auto unknown = check_files(report, uses, by_name);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::resource_exhausted);
  CHECK(unknown.error().message.find("why") != std::string::npos);
  report.complete = true;
  CHECK(check_files(report, uses, by_name));
}
