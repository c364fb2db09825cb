// What a workflow says about the files of all its tasks, and outputs of several keys, from outside.

#include "support/cluster_folder.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <sys/stat.h>

using Catch::Contains;
using contents = std::map<std::string, std::string>;

namespace {

struct rules_folder : maze::test::cluster_folder {
  /// Two strangers who write the same paths, the one that stands first in the file last of the two;
  /// and one who sees both.
  void strangers(const std::string& keys) {
    const auto gate = (folder / "gate").string();
    REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
    workflow("w", keys
                      + "tasks:\n"
                        "  late: { cpus: 0.2, shell: \"cat "
                      + gate
                      + "; echo 1 > out.txt; mkdir d; echo 1 > d/x; echo 1 > same\" }\n"
                        "  soon: { cpus: 0.2, shell: \"echo 2 > out.txt; echo 2 > d; echo 1 > "
                        "same\" }\n"
                        "  open: { cpus: 0.2, after: [soon], shell: \"echo > "
                      + gate
                      + "\" }\n"
                        "  both: { after: [late, open], shell: \"find . -type f | LC_ALL=C sort | "
                        "xargs grep -H .\" }\n"
                        "result: both.output.run.stdout\n");
  }
  [[nodiscard]] maze::test::process_result start(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"run", "w.yaml", "--dir", "state", "--out", "home"};
    words.insert(words.end(), more.begin(), more.end());
    return node(std::move(words));
  }
  contents home() { return maze::test::read_tree(folder / "home"); }
};

} // namespace

TEST_CASE_METHOD(rules_folder,
                 "strangers' files contradict each other unless the workflow says more",
                 "[system][rules]") {
  const std::string policy = GENERATE("", "conflicts: fail\n");
  strangers(policy);
  const auto ended = start();
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_error,
             Contains("both") && Contains("tasks \"late\" and \"soon\" both changed \"d\""));
}

TEST_CASE_METHOD(rules_folder, "the last publication wins if the workflow says so",
                 "[system][rules]") {
  strangers("conflicts: last_wins\n");
  const auto ended = start();
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(ended.standard_output == "./d/x:1\n./out.txt:1\n./same:1\n");
  CHECK(home() == contents{{"d/x", "1\n"}, {"out.txt", "1\n"}, {"same", "1\n"}});
}

TEST_CASE_METHOD(rules_folder, "nothing is lost if the workflow says so, also on a worker node",
                 "[system][rules]") {
  strangers("conflicts: rename\n");
  const bool worker = GENERATE(false, true);
  const auto ended =
      start(worker ? std::vector<std::string>{"--workers", "1"} : std::vector<std::string>{});
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(ended.standard_output == "./d.soon:2\n./d/x:1\n./out.soon.txt:2\n./out.txt:1\n./same:1\n");
  CHECK(home()
        == contents{{"d.soon", "2\n"},
                    {"d/x", "1\n"},
                    {"out.soon.txt", "2\n"},
                    {"out.txt", "1\n"},
                    {"same", "1\n"}});
}

TEST_CASE_METHOD(rules_folder, "a new name hides nothing that was submitted", "[system][rules]") {
  std::ofstream(folder / "out.soon.txt") << "mine\n";
  strangers("conflicts: rename\nfiles: [out.soon.txt]\n");
  const auto ended = start();
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_error,
             Contains("the new name \"out.soon.txt\" is taken by the snapshot"));
}

TEST_CASE_METHOD(rules_folder, "the workflow says what stays behind, also on a worker node",
                 "[system][rules]") {
  workflow("w",
           "sync: { ignore: [\"*.o\", /build/, \"!*.pyc\"], include: [\"*.html\", gen.py] }\n"
           "tasks:\n"
           "  a: { publishes: [own.o], shell: \"mkdir -p build x/build; touch a.o own.o gen.py "
           "code.py c.pyc build/a build/r.html x/build/b\" }\n"
           "  b: { after: [a], shell: \"find . -type f | LC_ALL=C sort\" }\n"
           "result: b.output.run.stdout\n");
  const bool worker = GENERATE(false, true);
  auto words = std::vector<std::string>{"--output", "json"};
  if (worker)
    words.insert(words.end(), {"--workers", "1"});
  const auto ended = start(words);
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  const auto report = nlohmann::json::parse(ended.standard_output);
  CHECK(report["result"] == "./build/r.html\n./c.pyc\n./gen.py\n./own.o\n./x/build/b\n");
  std::vector<std::string> left_out;
  for (const auto& one : report["left_out"])
    if (one["task"] == "a")
      left_out.push_back(one["path"]);
  CHECK(left_out == std::vector<std::string>{"a.o", "build/a", "code.py"});
  CHECK(home()
        == contents{
            {"build/r.html", ""}, {"c.pyc", ""}, {"gen.py", ""}, {"own.o", ""}, {"x/build/b", ""}});
}

TEST_CASE_METHOD(rules_folder, "parts of what a command gives are outputs of their own",
                 "[system][rules]") {
  workflow("w", "tasks:\n"
                "  a: { outputs: many, output: { stdout: string, exit_code: int }, ok_exit: [3],\n"
                "       shell: \"echo hello; exit 3\" }\n"
                "  b: { command: [echo, -n, a.output.exit_code, a.output.stdout] }\n"
                "  c: { params: { all: dict }, inputs: { all: a.output },\n"
                "       shell: 'printf %s \"$MAZE_INPUT_all\"', after: [b],\n"
                "       outputs: many, output: { stdout: bytes } }\n"
                "result: c.output.stdout\n");
  const bool worker = GENERATE(false, true);
  auto words = std::vector<std::string>{"--output", "json", "--keep"};
  if (worker)
    words.insert(words.end(), {"--workers", "1"});
  const auto ended = start(words);
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  // {"exit_code":3,"stdout":"hello\n"}
  CHECK(nlohmann::json::parse(ended.standard_output)["result"]["$bytes"]
        == "eyJleGl0X2NvZGUiOjMsInN0ZG91dCI6ImhlbGxvXG4ifQ==");
}

TEST_CASE_METHOD(rules_folder, "an output that is not of its declared type fails its task",
                 "[system][rules]") {
  workflow("w", "tasks:\n  a: { outputs: many, output: { stdout: string }, shell: \"printf "
                "'\\\\377'\" }\n");
  const auto ended = start();
  CHECK(ended.status == 1);
  CHECK_THAT(ended.standard_error,
             Contains("invalid_payload")
                 && Contains("`stdout` is declared as string, and the command gave bytes"));
}

TEST_CASE_METHOD(rules_folder, "content that was made to collide is told by its SHA-256",
                 "[system][rules]") {
  workflow("w", "sync: { verify: sha256 }\nfiles: [in.txt]\ntasks:\n"
                "  a: { shell: \"tr a-z A-Z < in.txt > out.txt\" }\n"
                "  b: { after: [a], shell: \"cat in.txt out.txt\" }\n"
                "result: b.output.run.stdout\n");
  std::ofstream(folder / "in.txt") << "hello\n";
  start_master();
  start_worker("w1");
  // Other bytes of the same length under the same hash, as if they had been found to collide.
  const auto collide = [this](const std::string& content) {
    std::size_t found = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(folder / "master"))
      if (each.path().native().find("/blobs/") != std::string::npos && each.is_regular_file()
          && maze::test::read_file(each.path()) == content) {
        std::ofstream(each.path()) << std::string(content.size(), 'x');
        ++found;
      }
    REQUIRE(found == 1);
  };
  CHECK(good({"submit", "w.yaml", "--wait", "--out", "home"}) == "hello\nHELLO\n");
  collide("hello\n");
  const auto refused = node({"submit", "w.yaml"});
  CHECK(refused.status != 0);
  CHECK_THAT(refused.standard_error, Contains("in.txt has SHA-256"));
}

TEST_CASE_METHOD(rules_folder, "what a task prints is in its logs, whatever of it is output",
                 "[system][rules]") {
  workflow("w", "tasks: { a: { shell: \"echo printed; echo told >&2\", outputs: many, "
                "output: { stdout: string } } }\n");
  start_master();
  start_worker("w1");
  CHECK(good({"submit", "w.yaml", "--wait"}).empty());
  CHECK(good({"logs", "last", "a"}) == "printed\n");
  CHECK(good({"logs", "last", "a", "--stderr"}) == "told\n");
}
