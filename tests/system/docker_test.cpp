// Workflows at level container, with a daemon of docker of the test's own.
#include "support/container_fixture.hpp"
#include "support/docker_fixture.hpp"
#include "support/eventually.hpp"
#include "support/functions_folder.hpp"
#include "support/needs.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

using namespace maze;
using Catch::Contains;
using nlohmann::json;

namespace {

struct docker_folder : test::functions_folder {
  test::docker_fixture engine;

  docker_folder() {
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    if (engine.lacks())
      return;
    std::filesystem::copy_file(test::base_image, folder / "base.tar");
  }
  test::process::options options_of(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"run", file, "--dir", "state", "--output", "json"};
    words.insert(words.end(), more.begin(), more.end());
    auto how = options(words);
    how.environment.erase("MAZE_TASK_USER");
    how.environment["DOCKER_HOST"] = engine.host();
    return how;
  }
  void contain(const std::string& name, const std::string& tasks,
               const std::string& image = "base.tar", const std::string& sandbox = {}) const {
    write(name + ".yaml", "maze: 1\nname: " + name
                              + "\ndefaults: { output: { run: dict }, sandbox: { level: docker, "
                                "image: "
                              + image + sandbox + " }, env: { MAZE_TEST_MARK: " + mark
                              + " } }\ntasks:\n" + tasks);
  }
  [[nodiscard]] bool nothing_runs() const {
    return engine.containers().empty() && test::processes_with("MAZE_TEST_MARK=" + mark).empty();
  }
};

} // namespace

TEST_CASE_METHOD(docker_folder, "commands run in containers of docker", "[system][docker]") {
  MAZE_NEEDS(engine.lacks());
  write("in.txt", "a b a\n");
  contain("plain",
          "  make: { shell: \"cat in.txt /etc/maze-image; echo made > made.txt; id -u\" }\n"
          "  read: { command: [cat, made.txt], after: [make] }\n"
          "files: [in.txt]\nresult: read.output.run.stdout\n");
  const auto ended = test::run(options_of("plain.yaml", {"--out", "home"}));
  INFO(ended.standard_error);
  INFO(ended.standard_output);
  REQUIRE(ended.status == 0);
  CHECK(test::read_file(folder / "home" / "made.txt") == "made\n");
  CHECK(engine.containers().empty());
  auto name = engine.docker({"images", "--format", "{{.Repository}}:{{.Tag}}"}).standard_output;
  name.resize(name.find('\n'));
  REQUIRE(engine.docker({"save", "--output", (folder / "saved.tar").string(), name}).status == 0);
  contain("saved", "  a: { shell: \"cat /etc/maze-image\" }\nresult: a.output.run.stdout\n",
          "saved.tar");
  const auto saved = test::run(options_of("saved.yaml"));
  INFO(saved.standard_error);
  CHECK(saved.status == 0);
  CHECK_THAT(saved.standard_output, Contains("an image of the tests"));
}

TEST_CASE_METHOD(docker_folder, "functions run in containers of docker", "[system][docker]") {
  MAZE_NEEDS(engine.lacks());
  const std::string reuse = GENERATE("", ", reuse: true");
  write("in.txt", "a b a");
  contain(
      "mixed",
      "  read: { output: { r: any }, code: \"def f(path):\\n  print('noise')\\n  "
      "open('made.txt', 'w').write('made')\\n  return open(path).read()\", inputs: { path: "
      "in.txt } }\n"
      "  warm: { output: { r: any }, code: \"def f(x): return [x]\", child: warm, inputs: { x: "
      "read.output.r } }\n"
      "  count: { output: { r: any }, function: plain.count, inputs: { text: read.output.r } }\n"
      "  all: { output: { r: any }, code: \"def f(x, n): return x + [open('made.txt').read(), "
      "n]\", after: [read], inputs: { x: warm.output.r, n: count.output.r } }\n"
      "files: [in.txt]\nlibraries: { plain: "
          + test::task_library("plain").native() + " }\nresult: all.output.r\n",
      "base.tar", reuse);
  const auto ended = test::run(options_of("mixed.yaml", {"--out", "home"}));
  INFO(ended.standard_error);
  INFO(ended.standard_output);
  REQUIRE(ended.status == 0);
  CHECK(json::parse(ended.standard_output).at("result")
        == json{"a b a", "made", {{"a", 2}, {"b", 1}}});
  CHECK(test::read_file(folder / "home" / "made.txt") == "made");
  CHECK(engine.containers().empty());
}

TEST_CASE_METHOD(docker_folder, "a container of docker can stay for many tasks, each by itself",
                 "[system][docker]") {
  MAZE_NEEDS(engine.lacks());
  std::string tasks;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto name = "t" + std::to_string(i);
    tasks +=
        "  " + name
        + ": { shell: \"ls -A /tmp; echo x > /tmp/x; grep Cap /proc/self/status | grep -v '0$'; "
          "uname -n > "
        + name + "\" }\n";
    all += (i == 0 ? "" : ", ") + name;
  }
  contain("many",
          tasks + "  all: { shell: \"cat t* | sort -u\", after: [" + all
              + "] }\nresult: all.output.run.stdout\n",
          "base.tar", ", reuse: true");
  const auto ended = test::run(options_of("many.yaml", {"--jobs", "2"}));
  INFO(ended.standard_error);
  REQUIRE(ended.status == 0);
  const auto names = json::parse(ended.standard_output).at("result").get<std::string>();
  INFO(names);
  CHECK(std::count(names.begin(), names.end(), '\n') <= 4);
  CHECK(names.find("Cap") == std::string::npos);
  CHECK(engine.containers().empty());
}

TEST_CASE_METHOD(docker_folder, "what ends a task in a container of docker is told",
                 "[system][docker]") {
  MAZE_NEEDS(engine.lacks());
  const std::string reuse = GENERATE("", ", reuse: true");
  struct ending {
    const char* name;
    const char* task;
    const char* code;
  };
  const ending endings[] = {
      {"status", "{ shell: \"exit 7\" }", "exit_nonzero"},
      {"wall", "{ shell: \"trap '' TERM; setsid sleep 1000 & sleep 1000\", timeout: 5s }",
       "timeout_wall"},
      {"signal", "{ shell: \"kill -SEGV $$\" }", "signalled"},
      {"memory", "{ command: [python3, -c, \"x = b'x' * (1 << 28)\"], sandbox: { memory: 64MiB } }",
       "oom_killed"},
      {"cpu", "{ shell: \"while :; do :; done\", sandbox: { cpu_time: 1s } }", "timeout_cpu"},
      {"missing", "{ command: [/nowhere] }", "invalid_payload"}};
  for (const ending& each : endings) {
    INFO(each.name);
    contain(each.name, std::string("  a: ") + each.task + "\n", "base.tar", reuse);
    const auto ended = test::run(options_of(std::string(each.name) + ".yaml"));
    INFO(ended.standard_error);
    CHECK(ended.status != 0);
    CHECK(json::parse(ended.standard_output).at("failed").at(0).at("error").at("class")
          == each.code);
  }
  CHECK(test::eventually([&] { return nothing_runs(); }));
}

TEST_CASE_METHOD(docker_folder, "no container of docker outlives the node that made it",
                 "[system][docker][kill]") {
  MAZE_NEEDS(engine.lacks());
  contain("long", "  a: { shell: \"echo here; setsid sleep 1000 & sleep 1000\" }\n", "base.tar",
          GENERATE("", ", reuse: true"));
  test::process run(options_of("long.yaml"));
  REQUIRE(
      test::eventually([&] { return test::processes_with("MAZE_TEST_MARK=" + mark).size() >= 2; }));
  run.signal(SIGKILL);
  static_cast<void>(run.wait());
  CHECK(test::eventually([&] { return nothing_runs(); }));
}
