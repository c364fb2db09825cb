#include "maze/io/workflow_file.hpp"

#include "support/malformed_cases.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

using namespace maze;

namespace {

/// What differs between the diagnostics and what was expected; empty when nothing does.
std::string difference(const test::malformed_case& wanted,
                       const std::vector<io::diagnostic>& told) {
  std::string out;
  if (told.size() != wanted.expected.size())
    out += "  expected " + std::to_string(wanted.expected.size()) + " diagnostics\n";
  for (std::size_t i = 0; i < std::min(told.size(), wanted.expected.size()); ++i) {
    const auto& e = wanted.expected[i];
    const auto& t = told[i];
    const bool same = t.code == e.code && t.field == e.field && t.line == e.line
                      && t.column == e.column
                      && (t.message + "\n" + t.remedy).find(e.fragment) != std::string::npos;
    if (!same)
      out += "  expected " + e.code + " " + std::to_string(e.line) + ":" + std::to_string(e.column)
             + " " + e.field + " | " + e.fragment + "\n";
  }
  if (!out.empty())
    for (const auto& one : told)
      out += "  got " + io::to_string(one) + "\n";
  return out;
}

} // namespace

TEST_CASE("each malformed workflow is refused where and as it should be", "[io][workflow]") {
  const auto cases = test::all_malformed_cases();
  CHECK(cases.size() >= 200);
  for (const auto& one : cases) {
    const auto workflow = io::parse_workflow(one.text, "w", one.format);
    if (workflow) {
      FAIL_CHECK("accepted: " << one.name);
      continue;
    }
    if (const auto wrong = difference(one, workflow.error()); !wrong.empty())
      FAIL_CHECK(one.name << "\n" << wrong);
  }
}

TEST_CASE("sixty-four levels of nesting are allowed", "[io][workflow]") {
  const auto nested = [](std::size_t lists) {
    return "maze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}\ncontext: {x: "
           + std::string(lists, '[') + std::string(lists, ']') + "}\n";
  };
  CHECK(io::parse_workflow(nested(62), "w", io::text_format::yaml));
  const auto deeper = io::parse_workflow(nested(63), "w", io::text_format::yaml);
  REQUIRE_FALSE(deeper);
  CHECK(deeper.error().at(0).code == "nesting_too_deep");
}

TEST_CASE("more than a hundred faults end with how many are not shown", "[io][workflow]") {
  std::string text = "maze: 1\nname: w\ntasks:\n";
  for (int i = 0; i < 3000; ++i)
    text += "  t" + std::to_string(i) + ": {shell: x, output: {r: dict}, retries: -1}\n";
  const auto w = io::parse_workflow(text, "w", io::text_format::yaml);
  REQUIRE_FALSE(w);
  const auto& told = w.error();
  REQUIRE(told.size() == 100);
  for (std::uint32_t i = 0; i < 99; ++i) {
    CHECK(told[i].code == "out_of_range");
    CHECK(told[i].line == 4 + i);
  }
  CHECK(told[99].code == "too_many_faults");
  CHECK(told[99].line == 0);
  CHECK(told[99].message == "2901 more faults are not shown");
}

TEST_CASE("exactly a hundred faults are all shown", "[io][workflow]") {
  std::string text = "maze: 1\nname: w\ntasks:\n";
  for (int i = 0; i < 100; ++i)
    text += "  t" + std::to_string(i) + ": {shell: x, output: {r: dict}, retries: -1}\n";
  const auto w = io::parse_workflow(text, "w", io::text_format::yaml);
  REQUIRE_FALSE(w);
  CHECK(w.error().size() == 100);
  CHECK(w.error().back().code == "out_of_range");
}

TEST_CASE("a diagnostic reads as file, place, field, message, code and remedy", "[io][workflow]") {
  const io::diagnostic x{
      "unknown_key",         "w.yaml", 4, 7, "tasks.a.cpu", "a task has no key cpu",
      "did you mean `cpus`?"};
  CHECK(to_string(x)
        == "w.yaml:4:7: tasks.a.cpu: a task has no key cpu [unknown_key]\n  did you mean `cpus`?");
  CHECK(to_string(io::diagnostic{"file_unreadable", "w.yaml", 0, 0, "", "gone", ""})
        == "w.yaml: gone [file_unreadable]");
}

TEST_CASE("a file is read by its ending: .json as JSON, all else as YAML", "[io][workflow]") {
  const test::scratch_dir folder;
  std::ofstream(folder / "w.json") << "{\"maze\": 1,}";
  std::ofstream(folder / "w.txt") << "maze: 1\nname: w\ntasks: {a: {shell: x, output: {r: dict}}}";
  CHECK(io::read_workflow(folder / "w.txt"));
  const auto json = io::read_workflow(folder / "w.json");
  REQUIRE_FALSE(json);
  CHECK(json.error().at(0).code == "json_syntax");
  CHECK(json.error().at(0).file == (folder / "w.json").string());
  std::ofstream(folder / "yaml.json") << "maze: 1\nname: w\n";
  const auto yaml = io::read_workflow(folder / "yaml.json");
  REQUIRE_FALSE(yaml);
  CHECK(yaml.error().at(0).remedy.find("read as JSON because its name ends in .json")
        != std::string::npos);
}

TEST_CASE("the key $schema, which editors write, is read over", "[io][workflow]") {
  const std::string rest = R"("maze": 1, "name": "w",
    "tasks": {"a": {"shell": "x", "output": {"r": "dict"}}}})";
  const auto plain = io::parse_workflow("{" + rest, "w", io::text_format::json);
  const auto marked =
      io::parse_workflow("{\"$schema\": \"w.schema.json\", " + rest, "w", io::text_format::json);
  REQUIRE(marked);
  CHECK(*marked == *plain);
}

TEST_CASE("the workflows of the README are sound", "[io][workflow]") {
  std::ifstream readme(MAZE_SOURCE_DIR "/io/README.md");
  std::size_t count = 0;
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (!inside && line == "```yaml") {
      inside = true;
      text.clear();
    } else if (inside && line == "```") {
      inside = false;
      const auto workflow = io::parse_workflow(text, "README.md", io::text_format::yaml);
      INFO(text);
      if (!workflow)
        for (const auto& one : workflow.error())
          FAIL_CHECK(io::to_string(one));
      ++count;
    } else if (inside) {
      text += line + "\n";
    }
  }
  CHECK(count == 3);
}

TEST_CASE("the examples are sound", "[io][workflow]") {
  for (const char* name : {"word-count.yaml", "functions.yaml"}) {
    INFO(name);
    CHECK(io::read_workflow(std::string(MAZE_SOURCE_DIR "/tools/examples/") + name));
  }
  // Read as text, because its library lies in one build only.
  std::ifstream words(MAZE_SOURCE_DIR "/tools/examples/words/words.yaml");
  const std::string text{std::istreambuf_iterator<char>(words), {}};
  CHECK(io::parse_workflow(text, "words.yaml", io::text_format::yaml));
}

TEST_CASE("globs are as the README says", "[io][workflow]") {
  CHECK(core::glob_match("*.tmp", "x/y/b.tmp"));
  CHECK(core::glob_match("out/*.tmp", "out/a.tmp"));
  CHECK_FALSE(core::glob_match("out/*.tmp", "out/x/a.tmp"));
  CHECK_FALSE(core::glob_match("out/*.tmp", "x/out/a.tmp"));
  CHECK(core::glob_match("out/**", "out/x/a"));
  CHECK(core::glob_match("out/**", "out"));
  CHECK(core::glob_match("*", ".hidden"));
  CHECK_FALSE(core::glob_match("{a,b}", "a"));
  CHECK_FALSE(core::glob_match("A", "a"));
}

TEST_CASE("a file that is missing or too large is named", "[io][workflow]") {
  const test::scratch_dir folder;
  const auto missing = io::read_workflow(folder / "none.yaml");
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().size() == 1);
  CHECK(missing.error()[0].code == "file_unreadable");
  CHECK(missing.error()[0].file == (folder / "none.yaml").string());
  CHECK(missing.error()[0].message == "there is no file " + (folder / "none.yaml").string());

  std::ofstream(folder / "large.yaml") << std::string((std::size_t{16} << 20) + 1, '#');
  const auto large = io::read_workflow(folder / "large.yaml");
  REQUIRE_FALSE(large);
  REQUIRE(large.error().size() == 1);
  CHECK(large.error()[0].code == "file_too_large");

  std::ofstream(folder / "full.yaml") << "\xFF" + std::string((std::size_t{16} << 20) - 1, '#');
  const auto full = io::read_workflow(folder / "full.yaml");
  REQUIRE_FALSE(full);
  CHECK(full.error()[0].code == "not_utf8");
}

TEST_CASE("what a workflow says about all files and several outputs is read", "[io][workflow]") {
  const auto read = io::parse_workflow(R"(
maze: 1
name: w
conflicts: rename
sync: {ignore: ["*.o", "!keep.o"], include: [/gen.py]}
defaults: {outputs: many, output: {stdout: string, exit_code: int}}
tasks:
  a: {shell: x}
  b: {command: [z, a.output.exit_code], outputs: one, output: {r: dict}}
result: a.output.stdout
)",
                                       "w.yaml", io::text_format::yaml);
  REQUIRE(read);
  const auto& w = *read;
  CHECK(w.rules
        == core::file_rules{core::conflict_policy::rename, {"*.o", "!keep.o"}, {"/gen.py"}});
  CHECK(
      w.tasks[0].output
      == core::task_output{core::output_form::many, {{"stdout", "string"}, {"exit_code", "int"}}});
  CHECK(w.tasks[1].output == core::task_output{core::output_form::one, {{"r", "dict"}}});
}

TEST_CASE("of the libraries that a workflow names only those travel that its tasks call",
          "[io][workflow]") {
  const test::scratch_dir folder;
  for (const char* name : {"one.so", "two.so"})
    std::ofstream(folder / name) << "machine code";
  std::ofstream(folder / "w.yaml") << "maze: 1\nname: w\nlibraries: {one: one.so, two: two.so}\n"
                                      "tasks: {a: {function: one.f, output: {r: int}}}\n";
  const auto read = io::read_workflow(folder / "w.yaml");
  REQUIRE(read);
  CHECK(read->libraries == decltype(read->libraries){{"one", "one.so"}});
}

TEST_CASE("the archive of an image that travels must be there", "[io][workflow]") {
  const test::scratch_dir folder;
  const auto read = [&](const std::string& image) {
    std::ofstream(folder / "w.yaml")
        << "maze: 1\nname: w\ndefaults: {output: {r: dict}, sandbox: {level: container, image: '"
        << image << "'}}\ntasks:\n  a: {shell: x}\n  b: {shell: z}\n";
    return io::read_workflow(folder / "w.yaml");
  };
  for (const char* image : {"debian:12", "/nowhere/base.tar.gz"}) {
    INFO(image);
    const auto work = read(image);
    REQUIRE(work);
    CHECK(work->tasks.front().sandbox.image == image);
  }
  const auto missing = read("images/base.tar");
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().size() == 1);
  const io::diagnostic& fault = missing.error().front();
  CHECK(fault.code == "image_unreadable");
  CHECK(fault.line == 5);
  CHECK(fault.column == 3);
  CHECK(fault.field == "tasks.a.sandbox.image");
  CHECK_THAT(fault.message, Catch::Contains("images/base.tar") && Catch::Contains("is not there"));
  std::filesystem::create_directory(folder / "images");
  std::ofstream(folder / "images/base.zip") << "files";
  const auto odd = read("images/base.zip");
  REQUIRE_FALSE(odd);
  REQUIRE(odd.error().size() == 1);
  CHECK(odd.error().front().field == "tasks.a.sandbox.image");
  CHECK_THAT(odd.error().front().message, Catch::Contains("not called as archives are"));
  std::ofstream(folder / "images/base.tar") << "files";
  CHECK(read("images/base.tar")->tasks.back().sandbox.image == "images/base.tar");
}

TEST_CASE("libraries may be a folder, of which only those travel that tasks name",
          "[io][workflow]") {
  const test::scratch_dir folder;
  const auto path = folder / "w.yaml";
  const auto write = [&](const std::string& function) {
    std::ofstream(path) << "maze: 1\nname: w\nlibraries: plugins\n"
                           "tasks: {a: {function: "
                        << function << ", output: {r: int}}}\n";
  };
  write("text.count");
  auto read = io::read_workflow(path);
  REQUIRE_FALSE(read);
  CHECK(read.error().at(0).code == "library_unreadable");
  CHECK(read.error().at(0).line == 3);
  std::filesystem::create_directory(folder / "plugins");
  std::ofstream(folder / "plugins/libtext.so") << "machine code";
  std::ofstream(folder / "plugins/libempty.so");
  read = io::read_workflow(path);
  REQUIRE(read);
  CHECK(read->libraries == decltype(read->libraries){{"text", "plugins/libtext.so"}});
  write("txt.count");
  read = io::read_workflow(path);
  REQUIRE_FALSE(read);
  CHECK(read.error().at(0).code == "unknown_library");
  CHECK(read.error().at(0).remedy.find("text") != std::string::npos);
  write("text.count");
  const auto read_again = [&path] { return io::read_workflow(path).value(); };
  CHECK(read_again().warnings.empty());
  std::ofstream(folder / "plugins/text.so") << "machine code";
  const auto later = read_again();
  CHECK(later.libraries.at("text") == "plugins/text.so");
  REQUIRE(later.warnings.size() == 1);
  CHECK_THAT(later.warnings[0], Catch::Contains("the library text, plugins/text.so counts"));
  write("empty.count");
  read = io::read_workflow(path);
  REQUIRE_FALSE(read);
  CHECK(read.error().at(0).message.find("is empty") != std::string::npos);
}

TEST_CASE("each file that is not where the workflow says is shown at its place", "[io][workflow]") {
  const test::scratch_dir folder;
  const auto path = folder / "w.yaml";
  const auto write = [&](const std::string& files) {
    std::ofstream(path) << "maze: 1\nname: w\n"
                        << files << "tasks:\n"
                        << "  a: {python: \"gone.py:f\", output: {r: int}}\n";
  };
  std::ofstream(folder / "here.txt") << "text";
  write("files:\n  - here.txt\n  - gone.txt\n  - {from: /nowhere/else, to: else}\n");
  auto read = io::read_workflow(path);
  REQUIRE_FALSE(read);
  // Whether something brings the Python file is known when they are taken.
  REQUIRE(read.error().size() == 2);
  CHECK(read.error()[0].code == "source_missing");
  CHECK(read.error()[0].line == 5);
  CHECK(read.error()[0].field == "files[1]");
  CHECK(read.error()[0].message.find((folder / "gone.txt").string()) != std::string::npos);
  CHECK(read.error()[1].field == "files[2]");
  write("");
  read = io::read_workflow(path);
  REQUIRE_FALSE(read);
  REQUIRE(read.error().size() == 1);
  CHECK(read.error()[0].code == "source_missing");
  CHECK(read.error()[0].line == 4);
  CHECK(read.error()[0].field == "tasks.a.python");
  std::ofstream(folder / "gone.py") << "def f(): return 1";
  CHECK(io::read_workflow(path));
}

TEST_CASE("a library that is not where the workflow says is shown at its place", "[io][workflow]") {
  const test::scratch_dir folder;
  const auto text = "maze: 1\nname: w\nlibraries:\n  text: lib/libtext.so\n"
                    "tasks: {a: {function: text.count, output: {r: int}}}\n";
  std::ofstream(folder / "w.yaml") << text;
  const auto missing = io::read_workflow(folder / "w.yaml");
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().size() == 1);
  const auto& told = missing.error()[0];
  CHECK(told.code == "library_unreadable");
  CHECK(told.line == 4);
  CHECK(told.field == "libraries.text");
  CHECK(told.message.find((folder / "lib/libtext.so").string()) != std::string::npos);
  CHECK_FALSE(told.remedy.empty());
  // The text alone says nothing of files.
  CHECK(io::parse_workflow(text, "w.yaml", io::text_format::yaml));

  std::filesystem::create_directory(folder / "lib");
  std::ofstream(folder / "lib/libtext.so") << "machine code";
  const auto found = io::read_workflow(folder / "w.yaml");
  REQUIRE(found);
  CHECK(found->libraries.at("text") == "lib/libtext.so");
}

TEST_CASE("a task is found in the file that it was read from", "[io][workflow]") {
  const test::scratch_dir dir;
  const auto yaml = (dir / "w.yaml").string();
  std::ofstream(yaml)
      << "\xEF\xBB\xBFmaze: 1\nname: w\ntasks:\n  a: {shell: x}\n  'b c': {shell: y}\n";
  CHECK(io::place_of(yaml, "tasks", "a") == yaml + ":4:3");
  CHECK(io::place_of(yaml, "tasks", "b c") == yaml + ":5:3");
  CHECK(io::place_of(yaml, "tasks", "c") == yaml);
  CHECK(io::place_of(yaml, "libraries", "a") == yaml);
  const auto json = (dir / "w.json").string();
  std::ofstream(json) << "{\"tasks\": {\n\t\"a\": {}}}";
  CHECK(io::place_of(json, "tasks", "a") == json + ":2:2");
  // What is not as it was: the file alone is named.
  for (const char* text : {"tasks: 7", "- a", "{", ""}) {
    std::ofstream(yaml) << text;
    CHECK(io::place_of(yaml, "tasks", "a") == yaml);
  }
  CHECK(io::place_of(dir / "none.yaml", "tasks", "a") == (dir / "none.yaml").string());
}
