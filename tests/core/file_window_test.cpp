#include "maze/core/file_window.hpp"

#include "maze/core/workflow.hpp"

#include <catch2/catch.hpp>

#include <cstdint>

using namespace maze::core;

namespace {

using strings = std::vector<std::string>;

file_entry window_file(std::uint64_t content, std::uint32_t mode = 0644) {
  return {.hash = {1, content}, .size = content, .mode = mode};
}
file_entry window_folder(std::uint32_t mode = 0755) {
  return {.kind = file_kind::directory, .mode = mode};
}
file_entry window_link(std::string target) {
  return {.kind = file_kind::symlink, .mode = 0777, .target = std::move(target)};
}

/// Two levels of folders, one of them with a mode of its own, one without an entry.
file_map window_files() {
  return {{"Makefile", window_file(1)},        {"doc", window_folder(0700)},
          {"doc/a.md", window_file(2)},        {"doc/deep", window_folder()},
          {"doc/deep/b", window_file(3)},      {"empty", window_folder(0750)},
          {"link", window_link("doc")},        {"src/main.cpp", window_file(4)},
          {"src/run.sh", window_file(5, 0755)}};
}

strings shown_by(file_window window) {
  strings out;
  for (const auto& [path, entry] : look_through(window, window_files()).shown)
    out.push_back(path);
  return out;
}

task_spec strict_task() {
  task_spec out;
  out.files = {.reads = {"src"}, .writes = {"out"}, .report = file_report_mode::strict};
  out.deletes = {"old"};
  return out;
}

} // namespace

TEST_CASE("only a strict task sees less than there is", "[core][file_window]") {
  auto spec = strict_task();
  CHECK(window_of(spec) == file_window{.reads = {"src"}, .named = {}, .removable = {"old"}});
  spec.action = python_action{.source = python_source::file, .text = "f[1].py", .entry = {}};
  CHECK(window_of(spec)->named == strings{"f[1].py"});
  spec.action = python_action{.source = python_source::code, .text = "f[1].py", .entry = {}};
  CHECK(window_of(spec)->named.empty());
  for (const auto mode : {file_report_mode::none, file_report_mode::observe}) {
    spec.files.report = mode;
    CHECK_FALSE(window_of(spec));
  }
}

TEST_CASE("a task that declares no reads sees nothing", "[core][file_window]") {
  const auto parts = look_through({}, window_files());
  CHECK(parts.shown.empty());
  CHECK(parts.withheld == window_files());
}

TEST_CASE("what is declared is there, with the folders above it", "[core][file_window]") {
  CHECK(shown_by({.reads = {"Makefile", "src"}})
        == strings{"Makefile", "src/main.cpp", "src/run.sh"});
  CHECK(shown_by({.reads = {"doc/deep/*"}}) == strings{"doc", "doc/deep", "doc/deep/b"});
  CHECK(shown_by({.reads = {"*.md"}}) == strings{"doc", "doc/a.md"});
  CHECK(shown_by({.reads = {"doc/**"}}) == strings{"doc", "doc/a.md", "doc/deep", "doc/deep/b"});
  CHECK(shown_by({.reads = {"doc"}}) == shown_by({.reads = {"doc/**"}}));
  CHECK(shown_by({.reads = {"**/b", "empty"}})
        == strings{"doc", "doc/deep", "doc/deep/b", "empty"});
  CHECK(shown_by({.reads = {"link", "nothing"}}) == strings{"link"});
  CHECK(shown_by({.named = {"src/run.sh"}}) == strings{"src/run.sh"});
  CHECK(look_through({.reads = {"doc/deep"}}, window_files()).shown.at("doc")
        == window_folder(0700));
}

TEST_CASE("what a window shows follows the rules of reports", "[core][file_window]") {
  for (const char* glob : {"*", "**", "src", "s?c/*", "**/deep", "doc/**/b", "[a-m]*", "link"}) {
    const auto parts = look_through({.reads = {glob}}, window_files());
    for (const auto& [path, entry] : window_files())
      if (entry.kind != file_kind::directory)
        CHECK(parts.shown.contains(path) == any_glob_covers({glob}, path));
    CHECK(check_file_map(parts.shown));
    CHECK(check_file_map(parts.withheld));
  }
}

TEST_CASE("what may only be removed is there without its content", "[core][file_window]") {
  const auto parts = look_through(
      {.reads = {"src/main.cpp"}, .removable = {"src", "link", "empty"}}, window_files());
  CHECK(parts.shown
        == file_map{{"empty", window_folder(0750)},
                    {"link", {.hash = empty_content}},
                    {"src/main.cpp", window_file(4)},
                    {"src/run.sh", {.hash = empty_content, .mode = 0755}}});
  CHECK(parts.withheld.at("link") == window_link("doc"));
  CHECK(parts.withheld.at("src/run.sh") == window_file(5, 0755));
  CHECK_FALSE(parts.withheld.contains("src/main.cpp"));
  CHECK_FALSE(parts.withheld.contains("empty"));
}

TEST_CASE("a folder that is shown for what may be removed has those above it shown",
          "[core][file_window]") {
  const file_map files{{"a", window_folder(0700)}, {"a/b", window_folder(0711)}};
  CHECK(look_through({.removable = {"a/b"}}, files).shown == files);
}

TEST_CASE("a folder that was made where one was hidden is that one", "[core][file_window]") {
  const auto parts = look_through({.reads = {"doc/deep/b"}}, window_files());
  file_map written{{"doc", window_folder(0711)},      {"doc/deep/new", window_folder()},
                   {"empty", window_folder()},        {"link", window_folder()},
                   {"new", window_folder()},          {"src", window_folder(0700)},
                   {"src/main.cpp", window_folder()}, {"src/more", window_file(9)}};
  drop_hidden_folders(written, parts.shown, parts.withheld);
  CHECK(written
        == file_map{{"doc", window_folder(0711)},
                    {"doc/deep/new", window_folder()},
                    {"link", window_folder()},
                    {"new", window_folder()},
                    {"src/main.cpp", window_folder()},
                    {"src/more", window_file(9)}});
}

TEST_CASE("what was withheld is counted, and named as far as it is short", "[core][file_window]") {
  CHECK(sum_up_withheld({}, "a") == withheld_files{});
  CHECK(sum_up_withheld(window_files(), "").total == 6);
  CHECK(sum_up_withheld(window_files(), "").paths
        == strings{"Makefile", "doc/a.md", "doc/deep/b", "link", "src/main.cpp", "src/run.sh"});
  file_map many;
  for (std::size_t i = 0; i < withheld_files::paths_max + 5; ++i)
    many[std::to_string(1000 + i)] = {};
  CHECK(sum_up_withheld(many, "").total == withheld_files::paths_max + 5);
  CHECK(sum_up_withheld(many, "").paths.size() == withheld_files::paths_max);
  file_map longer;
  for (char name : {'x', 'y', 'z'})
    longer[std::string(withheld_files::path_bytes_max / 2, name)] = {};
  CHECK(sum_up_withheld(longer, "").paths.size() == 2);
  CHECK(sum_up_withheld(longer, "").total == 3);
}

TEST_CASE("what a failure names comes first", "[core][file_window]") {
  const auto first = [](std::string_view text) {
    return sum_up_withheld(window_files(), text).paths.at(0);
  };
  CHECK(first("cat: src/main.cpp: No such file or directory") == "src/main.cpp");
  CHECK(first("src/x.cpp:1:10: fatal error: deep/b: No such file") == "doc/deep/b");
  CHECK(first("[Errno 2] No such file or directory: './run.sh'\n") == "src/run.sh");
  CHECK(first("make: *** No targets specified and no makefile found.") == "Makefile");
  CHECK(sum_up_withheld(window_files(), "link run.sh").paths
        == strings{"link", "src/run.sh", "Makefile", "doc/a.md", "doc/deep/b", "src/main.cpp"});
}

TEST_CASE("a failure that files may be the reason of says which were withheld",
          "[core][file_window]") {
  using enum errc;
  CHECK(withheld_hint({}, exit_nonzero).empty());
  CHECK(withheld_hint({.total = 1, .paths = {"a\n"}}, exit_nonzero)
        == "; its `file_report` is strict and no `reads` fits a\\n, so that was kept from it");
  CHECK(withheld_hint({.total = 2, .paths = {"a", "b"}}, user_exception)
        == "; its `file_report` is strict and no `reads` fits a and b, so those were kept from it");
  CHECK(withheld_hint({.total = 9, .paths = {"a", "b", "c", "d", "e", "f"}}, invalid_payload)
        == "; its `file_report` is strict and no `reads` fits a, b, c, d, e and 4 more, so those "
           "were kept from it");
  CHECK(withheld_hint({.total = 3, .paths = {}}, signalled)
        == "; its `file_report` is strict and no `reads` fits 3 files, so those were kept from it");
  for (const errc code : {timeout_wall, cancelled, permission_denied, node_lost, oom_killed})
    CHECK(withheld_hint({.total = 1, .paths = {"a"}}, code).empty());
}
