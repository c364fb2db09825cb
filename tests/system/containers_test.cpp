// Workflows at level container, with podman and an image made of this machine's own files.
#include "support/container_fixture.hpp"
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

struct container_folder : test::functions_folder {
  test::container_fixture containers;

  container_folder() { std::filesystem::permissions(folder.path(), std::filesystem::perms(0755)); }
  test::process::options options_of(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"run", file, "--dir", "state", "--output", "json"};
    words.insert(words.end(), more.begin(), more.end());
    auto how = options(words);
    how.environment.erase("MAZE_TASK_USER");
    how.environment["CONTAINERS_STORAGE_CONF"] = containers.configuration().native();
    return how;
  }
  test::process_result run(const std::string& file, std::vector<std::string> more = {}) {
    return test::run(options_of(file, std::move(more)));
  }
  json completed(const std::string& file, std::vector<std::string> more = {}) {
    const auto ended = run(file, std::move(more));
    INFO(ended.standard_error);
    INFO(ended.standard_output);
    REQUIRE(ended.status == 0);
    return json::parse(ended.standard_output);
  }
  void contain(const std::string& name, const std::string& tasks,
               const std::string& parts = "") const {
    write(name + ".yaml", "maze: 1\nname: " + name
                              + "\ndefaults: { output: { run: dict }, sandbox: { level: container, "
                                "image: "
                              + containers.archive().native() + parts
                              + " }, env: { MAZE_TEST_MARK: " + mark + " } }\ntasks:\n" + tasks);
  }
};

} // namespace

TEST_CASE_METHOD(container_folder, "commands and Python functions work in containers",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  const std::string reuse = GENERATE("", ", reuse: true");
  write("in.txt", "a b a");
  contain(
      "mixed",
      "  make: { shell: \"cat in.txt /etc/maze-image; echo made > made.txt\" }\n"
      "  read: { output: { r: any }, code: \"def f(said):\\n  print('noise')\\n  return [said, "
      "open('made.txt').read()]\", inputs: { said: make.output.run.stdout } }\n"
      "  warm: { output: { r: any }, code: \"def f(x): return x + [2]\", child: warm, inputs: { "
      "x: read.output.r } }\n"
      "files: [in.txt]\nresult: warm.output.r\n",
      reuse);
  const auto ended = completed("mixed.yaml", {"--out", "home"});
  CHECK(ended["result"] == json{"a b aan image of the tests\n", "made\n", 2});
  CHECK(test::read_file(folder / "home" / "made.txt") == "made\n");
  CHECK(containers.containers().empty());
}

TEST_CASE_METHOD(container_folder, "a container is fenced as its level says",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  write("look.py", R"py(import ctypes, os, socket
def f():
  status = dict(l.split(':\t', 1) for l in open('/proc/self/status').read().splitlines() if ':\t' in l)
  out = {k: status[k] for k in ('CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp')}
  def refused(act):
    try: act()
    except OSError as x: return x.errno
    return 0
  out['root'] = refused(lambda: open('/x', 'w'))
  out['net'] = refused(lambda: socket.socket(socket.AF_INET).connect(('127.0.0.1', 1)))
  out['shadow'] = os.path.exists('/etc/shadow')
  libc = ctypes.CDLL(None, use_errno=True)
  out['unshare'] = libc.unshare(0x10000000), ctypes.get_errno()
  out['first'] = refused(lambda: os.kill(1, 9))
  out['uid'] = os.getuid() > 0
  out['groups'] = os.readlink('/proc/self/ns/cgroup')
  out['memory'] = int(open('/proc/self/oom_score_adj').read())
  out['tmp'] = os.statvfs('/tmp').f_frsize * os.statvfs('/tmp').f_blocks
  return out
)py");
  const std::string reuse = GENERATE("", ", reuse: true");
  contain("look", "  a: { output: { r: any }, python: \"look.py:f\" }\nresult: a.output.r\n",
          ", temporary: 1MiB" + reuse);
  const auto seen = completed("look.yaml")["result"];
  CHECK(seen["CapEff"] == "0000000000000000");
  CHECK(seen["CapBnd"] == "0000000000000000");
  CHECK(seen["NoNewPrivs"] == "1");
  CHECK(seen["Seccomp"] == "2");
  CHECK(seen["root"] == EROFS);
  CHECK(seen["net"] == EPERM);
  CHECK(seen["shadow"] == false);
  CHECK(seen["unshare"] == json{-1, EPERM});
  // Refused where Landlock is new enough; else nothing comes of it.
  CHECK((seen["first"] == EPERM || seen["first"] == 0));
  CHECK(seen["uid"] == true);
  CHECK(seen["tmp"] == 1 << 20);
  CHECK(seen["groups"] != std::filesystem::read_symlink("/proc/self/ns/cgroup").native());
  // Where memory runs out, it goes before the process that tells of its end.
  CHECK(seen["memory"] == 500);
}

TEST_CASE_METHOD(container_folder, "with `reuse` a few containers serve all tasks of a run",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  std::string tasks;
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const auto name = "t" + std::to_string(i);
    tasks +=
        "  " + name + ": { shell: \"ls -A /tmp; echo x > /tmp/x; uname -n > " + name + "\" }\n";
    all += (i == 0 ? "" : ", ") + name;
  }
  contain("many",
          tasks + "  all: { shell: \"cat t* | sort -u\", after: [" + all
              + "] }\nresult: all.output.run.stdout\n",
          ", reuse: true");
  const auto names = completed("many.yaml", {"--jobs", "2"})["result"].get<std::string>();
  INFO(names);
  // A task that waits for its slot has its container already.
  CHECK(std::count(names.begin(), names.end(), '\n') <= 4);
  CHECK(containers.containers().empty());
}

TEST_CASE_METHOD(container_folder, "a task in a container may change what it has, as elsewhere",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  write("in/key", "secret\n");
  std::filesystem::permissions(folder / "in", std::filesystem::perms(0700));
  std::filesystem::permissions(folder / "in" / "key", std::filesystem::perms(0600));
  const std::string reuse = GENERATE("", ", reuse: true");
  contain(
      "change",
      "  a: { shell: \"mkdir out; echo 1 > out/a; chmod 600 out/a; cat in/key > log; uname -n > "
      "name\" }\n"
      "  b: { shell: \"cat out/a >> log; echo 2 > out/b; rm out/a; mkdir out/sub; chmod 700 out; "
      "uname -n >> name\", after: [a], deletes: [\"**\"] }\n"
      "  c: { shell: \"cat log; ls out; sort -u name > names; id -u > /dev/null\", after: [b] }\n"
      "files: [in]\nresult: c.output.run.stdout\n",
      reuse);
  CHECK(completed("change.yaml", {"--jobs", "1", "--out", "home"})["result"]
        == "secret\n1\nb\nsub\n");
  const auto names = test::read_file(folder / "home" / "names");
  INFO(names);
  // Files of their own keep no tasks from sharing a container.
  CHECK(std::count(names.begin(), names.end(), '\n') == (reuse.empty() ? 2 : 1));
}

TEST_CASE_METHOD(container_folder, "the time of a call does not count while its container begins",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  // The image is imported first, which takes longer.
  contain("warm", "  a: { output: { r: any }, code: \"def f(): return 1\", child: warm, timeout: "
                  "500ms }\nresult: a.output.r\n");
  CHECK(completed("warm.yaml")["result"] == 1);
}

TEST_CASE_METHOD(container_folder, "what ends a task in a container is told as elsewhere",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  struct ending {
    const char* name;
    std::string task;
    const char* code;
  };
  const ending endings[] = {
      {"status", "{ shell: \"exit 7\" }", "exit_nonzero"},
      {"signal", "{ shell: \"kill -SEGV $$\" }", "signalled"},
      {"missing", "{ command: [/nowhere] }", "invalid_payload"},
      {"cpu", "{ shell: \"while :; do :; done & while :; do :; done\", sandbox: { cpu_time: 1s } }",
       "timeout_cpu"},
      {"wall", "{ shell: \"trap '' TERM; setsid sleep 1000 & sleep 1000\", timeout: 2s }",
       "timeout_wall"},
      {"memory", "{ command: [python3, -c, \"x = b'x' * (1 << 28)\"], sandbox: { memory: 64MiB } }",
       "oom_killed"},
      {"warm",
       "{ output: { r: any }, code: \"import os\\ndef f(): os.kill(os.getpid(), 9)\", "
       "child: warm }",
       "worker_crash"}};
  for (const ending& each : endings) {
    INFO(each.name);
    contain(each.name, std::string("  a: ") + each.task + "\n");
    const auto ended = run(std::string(each.name) + ".yaml");
    CHECK(ended.status != 0);
    INFO(ended.standard_error);
    const auto report = json::parse(ended.standard_output);
    const auto& error = report.at("failed").at(0).at("error");
    CHECK(error.at("class") == each.code);
    if (std::string_view(each.name) == "warm")
      CHECK_THAT(error.at("message").get<std::string>(), Contains("signal 9"));
  }
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(container_folder,
                 "what a task in a container reads beyond its declaration is found",
                 "[system][container][file_report]") {
  MAZE_NEEDS(containers.lacks());
  write("declared.txt", "a");
  write("hidden.txt", "b");
  contain("reads", "  a: { shell: \"cat declared.txt hidden.txt\", reads: [declared.txt], "
                   "file_report: observe }\n"
                   "files: [declared.txt, hidden.txt]\n");
  const auto told = completed("reads.yaml");
  REQUIRE(told["file_reports"].size() == 1);
  CHECK(told["file_reports"][0]["undeclared_reads"] == json{"hidden.txt"});
  CHECK(told["file_reports"][0]["complete"] == true);
}

TEST_CASE_METHOD(container_folder, "a strict task in a container finds what it declares alone",
                 "[system][container][file_report]") {
  MAZE_NEEDS(containers.lacks());
  write("declared.txt", "a");
  write("hidden.txt", "b");
  contain("strict", "  a: { shell: \"echo *\", reads: [declared.txt], "
                    "file_report: strict }\n"
                    "files: [declared.txt, hidden.txt]\nresult: a.output.run.stdout\n");
  CHECK(completed("strict.yaml")["result"] == "declared.txt\n");
}

TEST_CASE_METHOD(container_folder, "no container outlives the node that made it",
                 "[system][container][kill]") {
  MAZE_NEEDS(containers.lacks());
  contain("long", "  a: { shell: \"echo here; setsid sleep 1000 & sleep 1000\" }\n");
  test::process run(options_of("long.yaml"));
  const auto alive = [&] { return test::processes_with("MAZE_TEST_MARK=" + mark).size(); };
  REQUIRE(test::eventually([&] { return alive() >= 2; }));
  run.signal(SIGKILL);
  static_cast<void>(run.wait());
  CHECK(test::eventually([&] { return alive() == 0; }));
  // Podman goes on listing it, until the next node begins a container.
  contain("next", "  a: { shell: \"true\" }\n");
  completed("next.yaml");
  CHECK(test::eventually([&] { return containers.containers().empty(); }));
}

TEST_CASE_METHOD(container_folder, "an archive beside the workflow goes to the nodes that need it",
                 "[system][container][workers]") {
  MAZE_NEEDS(containers.lacks());
  std::filesystem::create_directory(folder / "images");
  std::filesystem::copy(containers.archive(), folder / "images/base.tar");
  std::filesystem::permissions(folder / "images/base.tar", std::filesystem::perms(0600));
  const std::string tasks =
      "{ output: { run: dict }, sandbox: { level: container, image: images/base.tar } }\ntasks:\n"
      "  a: { shell: \"cat /etc/maze-image\" }\n"
      "  b: { output: { r: any }, child: warm, code: \"def f(x): return x + "
      "open('/etc/maze-image').read()\", inputs: { x: a.output.run.stdout } }\n"
      "result: b.output.r\n";
  write("carried.yaml", "maze: 1\nname: carried\ndefaults: " + tasks);
  const std::string expected = "an image of the tests\nan image of the tests\n";
  CHECK(completed("carried.yaml")["result"] == expected);
  CHECK(completed("carried.yaml", {"--workers", "2"})["result"] == expected);
  std::filesystem::create_directory(folder / "flows");
  write("flows/plain.yaml",
        "maze: 1\nname: plain\ntasks: { a: { output: { run: dict }, shell: \"cat "
        "/etc/maze-image\" } }\nresult: a.output.run.stdout\n");
  CHECK(completed("flows/plain.yaml", {"--sandbox-option", "level=container", "--sandbox-option",
                                       "image=images/base.tar"})["result"]
        == "an image of the tests\n");
}

TEST_CASE_METHOD(test::cluster_folder,
                 "no cluster has an archive that would travel for its default",
                 "[system][container]") {
  const auto refused = node({"start", "--name", "lab", "--sandbox-option", "level=container",
                             "--sandbox-option", "image=base.tar"});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.standard_error, Contains("base.tar") && Contains("absolute path"));
}

TEST_CASE_METHOD(container_folder, "functions of libraries work in an image without any library",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  REQUIRE(test::run({.argv = {"/bin/sh", "-c",
                              "mkdir -p root/proc root/sys root/dev root/tmp && printf '#!/bin/sh' "
                              ">root/only && chmod +x root/only && tar -C root -cf bare.tar ."},
                     .working_directory = folder.path()})
              .status
          == 0);
  tasks("native", "  a: { function: plain.add, inputs: { a: 1, b: 2 } }\n"
                  "  b: { function: plain.add, inputs: { a: a.output.r, b: 3 }, child: warm }\n"
                  "  c: { function: plain.add, inputs: { a: b.output.r, b: 4 }, child: forked }\n"
                  "result: c.output.r\n");
  const std::vector<std::string> flags{"--sandbox-option", "level=container", "--sandbox-option",
                                       "image=bare.tar"};
  CHECK(completed("native.yaml", flags)["result"] == 10);
  tasks("crash", "  a: { function: hostile.fault }\n");
  const auto crashed = run("crash.yaml", flags);
  CHECK(crashed.status == 1);
  CHECK(json::parse(crashed.standard_output).at("failed").at(0).at("error").at("class")
        == "signalled");
}

TEST_CASE_METHOD(container_folder, "an image that cannot be had is named", "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  write("gone.yaml", "maze: 1\nname: gone\ntasks: { a: { output: { run: dict }, shell: \"true\", "
                     "sandbox: { level: docker, docker_image: missing.tar } } }\n");
  const auto gone = run("gone.yaml");
  CHECK(gone.status != 0);
  CHECK_THAT(gone.standard_output, Contains("missing.tar") && Contains("is not there"));
}

TEST_CASE_METHOD(container_folder,
                 "an archive that is no image, or too large, is refused by its name",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  write("text.tar", "no archive at all");
  REQUIRE(
      test::run({.argv = {"/bin/sh", "-c",
                          "mkdir -p root/etc && echo x >root/etc/passwd && tar -C root -cf "
                          "bare.tar . && tar -C root -czf cut.tgz . && truncate -s 80 cut.tgz && "
                          "truncate -s 64M root/zeros && chmod +x root/etc/passwd && tar -C root "
                          "-czf bomb.tar.gz ."},
                 .working_directory = folder.path()})
          .status
      == 0);
  const auto refused = [this](const std::string& archive) {
    write("look.yaml", "maze: 1\nname: look\ntasks: { a: { output: { run: dict }, shell: "
                       "\"true\", sandbox: { level: container, image: "
                           + archive + " } } }\n");
    const auto ended = run("look.yaml", {"--image-size", "32MiB"});
    CHECK(ended.status != 0);
    const auto report = json::parse(ended.standard_output);
    return report.at("failed").at(0).at("error").at("message").get<std::string>();
  };
  CHECK_THAT(refused("text.tar"), Contains("'text.tar'") && Contains("no tar archive"));
  CHECK_THAT(refused("bare.tar"),
             Contains("'bare.tar'") && Contains("no file in it can be executed"));
  CHECK_THAT(refused("cut.tgz"), Contains("'cut.tgz'") && Contains("truncated gzip"));
  CHECK_THAT(refused("bomb.tar.gz"),
             Contains("'bomb.tar.gz'") && Contains("more than 32MiB") && Contains("--image-size"));
  CHECK(containers.engine({"images", "--quiet", "localhost/maze"}).standard_output.empty());
}

TEST_CASE_METHOD(container_folder, "an image of an archive goes when nobody used it for long",
                 "[system][container]") {
  MAZE_NEEDS(containers.lacks());
  const auto tags = [this] {
    return containers.engine({"images", "--format", "{{.Tag}}", "localhost/maze"}).standard_output;
  };
  contain("first", "  a: { shell: \"cat /etc/maze-image\" }\nresult: a.output.run.stdout\n");
  CHECK(completed("first.yaml")["result"] == "an image of the tests\n");
  const std::string first = tags();
  REQUIRE_FALSE(first.empty());
  completed("first.yaml");
  CHECK(tags() == first);
  REQUIRE(test::run({.argv = {"/bin/sh", "-c", "touch --date '2 days ago' state/images/*"},
                     .working_directory = folder.path()})
              .status
          == 0);
  std::filesystem::copy(containers.archive(), folder / "other.tar");
  write("other.yaml", "maze: 1\nname: other\ntasks: { a: { output: { run: dict }, shell: \"true\", "
                      "sandbox: { level: container, image: other.tar } } }\n");
  // Room is made before another one comes.
  completed("other.yaml", {"--image-age", "1d", "--workers", "1"});
  const std::string other = tags();
  CHECK_FALSE(other.empty());
  CHECK_THAT(other, !Contains(first));
  // Whoever wants it again has it imported again.
  CHECK(completed("first.yaml")["result"] == "an image of the tests\n");
  CHECK_THAT(tags(), Contains(first) && Contains(other));
}
