// What tasks read and write beyond their declarations, through real nodes.
#include "support/functions_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

using namespace maze;
using Catch::Contains;
using nlohmann::json;

namespace {

struct project : test::functions_folder {
  /// A program of two sources that share headers, and a task that runs it. @param reads  what the build declares.
  void describe(const std::string& reads, const std::string& mode) {
    write("Makefile", "build/app: build/main.o build/words.o\n\tg++ -o $@ $^\n"
                      "build/%.o: src/%.cpp\n\t@mkdir -p build\n"
                      "\tg++ -std=c++20 -Iinclude -MMD -c -o $@ $<\n"
                      "-include build/main.d build/words.d\n");
    write("include/words.hpp", "#include \"deep/inner.hpp\"\nint words(const char* text);\n");
    write("include/deep/inner.hpp", "#pragma once\n#include <cstdio>\n");
    write("src/main.cpp", "#include \"words.hpp\"\nint main() { std::printf(\"%d\\n\", "
                          "words(\"a b c\")); }\n");
    write("src/words.cpp", "#include \"words.hpp\"\nint words(const char* text) { int n = 1;\n"
                           "  for (; *text != 0; ++text) n += *text == ' ';\n  return n; }\n");
    write("README", "nobody reads this");
    write("project.yaml",
          "maze: 1\nname: project\ndefaults: { output: { run: dict }, file_report: " + mode
              + " }\ntasks:\n  build: { shell: make -j2 -s, reads: " + reads
              + ", writes: [build] }\n"
                "  try: { after: [build], command: [build/app], reads: [build/app] }\n"
                "files: [Makefile, src/, include/, README]\nresult: try.output.run.stdout\n");
  }
  json run(int status) {
    const auto ended = node({"run", "project.yaml", "--dir", "state", "--output", "json"});
    INFO(ended.standard_output << ended.standard_error);
    REQUIRE(ended.status == status);
    return json::parse(ended.standard_output);
  }
};

/// A task that looks for undeclared files, each in another way, and prints what it finds.
struct seeker : test::functions_folder {
  seeker() { std::filesystem::permissions(folder.path(), std::filesystem::perms(0755)); }

  static constexpr const char* ways =
      "      mkdir made\n"
      "      cat s/open\n"
      "      ln s/link made/l; cat made/l; rm made/l\n"
      "      mv s/rename made/r; cat made/r\n"
      "      python3 -c 'import mmap, os; print(mmap.mmap(os.open(\"s/mmap\", 0), 0, prot=1)[:])'\n"
      "      find . -name walk -exec cat {} +\n"
      "      ln -s ../s/symlink made/s; cat made/s\n"
      "      cat /proc/self/cwd/s/cwd\n"
      "      python3 -c 'print(open(\"s/python\").read())'\n"
      "      tar cf made/t s; tar xOf made/t s/tar\n"
      "      cp -r s made/copy; cat made/copy/copied\n"
      "      cat declared\n";
  static inline const std::vector<std::string> names{"open",    "link", "rename", "mmap", "walk",
                                                     "symlink", "cwd",  "python", "tar",  "copied"};

  /// All that it found.
  std::string found(const std::string& level, const std::string& mode) {
    for (const std::string& name : names)
      write("s/" + name, "content of " + name);
    write("declared", "what it may read");
    write("seek.yaml", "maze: 1\nname: seek\ndefaults: { output: { run: dict } }\ntasks:\n"
                       "  seek:\n    sandbox: "
                           + level + "\n    file_report: " + mode
                           + "\n    reads: [declared]\n    writes: [made]\n    shell: |\n" + ways
                           + "files: [s/, declared]\nresult: seek.output.run.stdout\n");
    auto how = options({"run", "seek.yaml", "--dir", "state", "--output", "json"});
    // Users of their own, which level seccomp needs.
    how.environment.erase("MAZE_TASK_USER");
    const auto ended = test::run(how);
    INFO(ended.standard_output << ended.standard_error);
    REQUIRE(ended.status == 0);
    const auto told = json::parse(ended.standard_output);
    CHECK(told["file_reports"].empty());
    return told["result"].get<std::string>();
  }
};

} // namespace

TEST_CASE_METHOD(seeker, "a strict task finds no undeclared file, in whatever way it looks",
                 "[system][file_report]") {
  const std::string level = GENERATE("none", "subprocess", "seccomp");
  const auto seen = found(level, "none");
  for (const std::string& name : names)
    CHECK_THAT(seen, Contains("content of " + name));
  const auto kept = found(level, "strict");
  CHECK_THAT(kept, !Contains("content of"));
  CHECK_THAT(kept, Contains("what it may read"));
}

TEST_CASE_METHOD(project, "a build that declares what it reads has nothing to report",
                 "[system][file_report]") {
  describe("[Makefile, src, include]", "strict");
  const json told = run(0);
  CHECK(told["result"] == "3\n");
  CHECK(told["file_reports"] == json::array());
}

TEST_CASE_METHOD(project, "a build that forgets its headers is told, or fails",
                 "[system][file_report]") {
  describe("[Makefile, src, \"*.h\"]", "observe");
  const json seen = run(0);
  CHECK(seen["result"] == "3\n");
  CHECK(seen["file_reports"]
        == json{{{"task", "build"},
                 {"mode", "observe"},
                 {"complete", true},
                 {"undeclared_reads", {"include/deep/inner.hpp", "include/words.hpp"}},
                 {"undeclared_writes", json::array()},
                 {"undeclared_removals", json::array()},
                 {"unused_reads", {"*.h"}},
                 {"more", 0},
                 {"withheld", {{"total", 0}, {"paths", json::array()}}}}});
  CHECK_THAT(node({"run", "project.yaml", "--dir", "state"}).standard_error,
             Contains("task build read include/deep/inner.hpp and include/words.hpp, beyond what"));
  describe("[Makefile, src]", "strict");
  const json failed = run(1);
  CHECK(failed["failed"][0]["error"]["class"] == "exit_nonzero");
  CHECK_THAT(failed["failed"][0]["error"]["message"].get<std::string>(),
             Contains("no `reads` fits include/words.hpp, README and include/deep/inner.hpp, so"));
  CHECK(failed["file_reports"][0]["mode"] == "strict");
  CHECK(
      failed["file_reports"][0]["withheld"]
      == json{{"total", 3}, {"paths", {"include/words.hpp", "README", "include/deep/inner.hpp"}}});
  CHECK(failed["failed"][0]["attempts"] == 1);
  CHECK(failed["history"] == json::array());
}

TEST_CASE_METHOD(project, "functions are watched like commands, wherever they run",
                 "[system][file_report]") {
  start_master();
  start_worker("w1", {"--cluster", "lab"});
  write("data/a.txt", "1");
  write("data/b.txt", "2");
  write("src/lines.py", "import json\ndef read(path):\n    return open(path).read()\n");
  tasks(
      "calls",
      "  python: { python: \"src/lines.py:read\", inputs: { path: data/a.txt }, reads: [data/b.txt]"
      ", file_report: observe }\n"
      "  code: { code: \"def f(): return open('data/b.txt').read()\", reads: [data], file_report: "
      "strict }\n"
      "  off: { code: \"def f(): return open('data/b.txt').read()\" }\n"
      "files: [data/]\n");
  good({"submit", "calls.yaml", "--wait", "--cluster", "lab"});
  std::map<std::string, json> reports;
  const auto told = good_json({"tasks", "last", "--cluster", "lab"});
  for (const auto& each : told["tasks"])
    reports[each["task"].get<std::string>()] = each["file_report"];
  CHECK(reports.at("python").at("undeclared_reads") == json{"data/a.txt"});
  CHECK(reports.at("python").at("unused_reads") == json{"data/b.txt"});
  CHECK(reports.at("code").at("mode") == "strict");
  CHECK(reports.at("code").at("undeclared_reads").empty());
  CHECK(reports.at("off").is_null());
}
