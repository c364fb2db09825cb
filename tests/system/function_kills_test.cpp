// Runs of functions and commands of which nodes, maze-init or children are killed without warning.

#include "maze/io/files.hpp"
#include "support/functions_folder.hpp"
#include "support/tree.hpp"
#include "support/watched_worker.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace maze;
using nlohmann::json;
using test::functions_folder;
using tree = std::map<std::string, std::string>;

namespace {

constexpr int chain_count = 4;
constexpr int chain_length = 12;

/// The points of the campaign are shared by the cases of this file.
int points_of_each() { return test::points("MAZE_KILL_POINTS", 6) / 3; }

/// Chains in which Python, a library and the shell hand on a number by turns; Python and the shell leave a file each.
struct kill_folder : functions_folder {
  kill_folder() {
    std::string lines;
    for (int chain = 0; chain < chain_count; ++chain)
      for (int i = 0; i < chain_length; ++i)
        lines += task(chain, i);
    std::string last;
    for (int chain = 0; chain < chain_count; ++chain)
      last += fmt::format("{}c{}-{}.output.run.stdout", chain == 0 ? "" : ", ", chain,
                          chain_length - 1);
    tasks("kills", lines + "  all: { code: \"def f(xs): return xs\", inputs: { xs: [" + last
                       + "] } }\nresult: all.output.r\n");
  }

  static std::string task(int chain, int i) {
    const std::string name = fmt::format("c{}-{}", chain, i);
    const std::string before =
        fmt::format("c{}-{}.output.{}", chain, i - 1, i % 3 == 0 ? "run.stdout" : "r");
    const std::string head = "  " + name + ": { cpus: 0.5, ";
    const std::string input = i == 0 ? std::to_string(chain) : before;
    if (i % 3 == 0)
      return head + "code: \"def f(n):\\n  x = (int(n) + sum(range(200000))) % 1000003\\n  "
             + "print(x, file=open('" + name + ".txt', 'w'))\\n  return x\", inputs: { n: " + input
             + " } }\n";
    if (i % 3 == 1)
      return head + "function: plain.grind, inputs: { x: " + input + ", rounds: 5000000 } }\n";
    return head
           + "output: { run: dict }, params: { n: any }, shell: \"echo $((MAZE_INPUT_n * 3)) | tee "
           + name + ".txt; head -c 20000 /dev/zero > " + name + ".bin\", inputs: { n: " + input
           + " } }\n";
  }

  test::process::options run_words(const std::string& out) {
    return options({"run", "kills.yaml", "--workers", "2", "--cpus", "2", "--out", out, "--dir",
                    "state", "--log-level", "debug", "--output", "json"});
  }
  json undisturbed(const std::string& out) {
    const auto report = good_json({"run", "kills.yaml", "--out", out, "--dir", "calm"});
    REQUIRE(report["tasks"]["completed"] == chain_count * chain_length + 1);
    return report;
  }
};

/// What a run without kills leaves, made once for all points.
struct calm_run {
  json result;
  tree files;
};

const calm_run& calm(kill_folder& folder) {
  static const calm_run out = [&] {
    const auto report = folder.undisturbed("calm-home");
    return calm_run{report["result"], test::read_tree(folder.folder / "calm-home")};
  }();
  return out;
}

/// All processes below `parent`, nearest first.
std::vector<pid_t> descendants(pid_t parent) {
  std::vector<pid_t> out{parent};
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::error_code gone;
    const auto threads = std::filesystem::path("/proc") / std::to_string(out[i]) / "task";
    for (std::filesystem::directory_iterator each(threads, gone), end; !gone && each != end;
         each.increment(gone)) {
      std::ifstream in(each->path() / "children");
      for (pid_t child = 0; in >> child;)
        out.push_back(child);
    }
  }
  out.erase(out.begin());
  return out;
}

/// The children of tasks below `parent` that run the program `name`. Those that read a library have no mark.
std::vector<pid_t> children_at_work(pid_t parent, const std::string& name) {
  std::vector<pid_t> out;
  for (const pid_t pid : descendants(parent)) {
    // It may go at any moment.
    const auto about = [pid](const char* what) {
      return io::read_file(std::filesystem::path("/proc") / std::to_string(pid) / what, 1 << 20)
          .value_or("");
    };
    if (about("comm") == name + "\n"
        && about("environ").find("MAZE_TEST_MARK=") != std::string::npos)
      out.push_back(pid);
  }
  return out;
}

/// The maze-inits of the worker nodes of `run`.
std::vector<pid_t> worker_inits(const test::process& run, const std::filesystem::path& state) {
  std::vector<pid_t> out;
  for (const auto& worker : test::workers_of(run.pid(), state))
    for (const pid_t init : test::children_of(worker.pid, "maze-init"))
      out.push_back(init);
  return out;
}

/// Which process below a maze-init dies.
enum class victim { init, child };

/// Waits for the `nth` child of a task that runs `name` on a worker node and kills it, or its maze-init; false where the
/// run ends first.
bool disturb_child(const test::process& run, const std::filesystem::path& state,
                   const std::string& name, std::size_t nth, victim whom) {
  std::vector<pid_t> seen;
  std::vector<pid_t> inits;
  while (!run.ends_within(std::chrono::milliseconds(0))) {
    if (inits.size() < 2)
      inits = worker_inits(run, state);
    for (const pid_t init : inits)
      for (const pid_t pid : children_at_work(init, name)) {
        if (std::find(seen.begin(), seen.end(), pid) == seen.end())
          seen.push_back(pid);
        if (seen.size() >= nth && ::kill(whom == victim::init ? init : pid, SIGKILL) == 0)
          return true;
      }
  }
  return false;
}

void check_published_once(const json& report) {
  std::map<std::string, int> times;
  for (const auto& each : report["history"])
    ++times[each["task"].get<std::string>() + ' ' + each["path"].get<std::string>()];
  for (const auto& [what, count] : times) {
    INFO(what);
    CHECK(count == 1);
  }
}

} // namespace

TEST_CASE_METHOD(kill_folder, "functions give the same result where a worker node is killed",
                 "[system][functions][workers][kill]") {
  const int seed = GENERATE(range(0, points_of_each()));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  const calm_run& expected = calm(*this);
  const std::string phases[] = {"Resolve", "Execute", "Push"};
  test::process run(run_words("home"));
  const std::size_t wanted = 1 + random() % 18;
  const auto killed = test::disturb(run, folder / "state", phases[seed % 3], wanted, SIGKILL);
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(killed.has_value());
  REQUIRE(ended.status == 0);
  const auto report = json::parse(ended.standard_output);
  CHECK(report["result"] == expected.result);
  CHECK(report["tasks"]["completed"] == chain_count * chain_length + 1);
  CHECK(test::read_tree(folder / "home") == expected.files);
  check_published_once(report);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}

TEST_CASE_METHOD(kill_folder,
                 "functions give the same result where their children or maze-init are killed",
                 "[system][functions][workers][kill]") {
  const int seed = GENERATE(range(0, points_of_each()));
  INFO("seed = " << seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  const victim whom = GENERATE(victim::init, victim::child);
  const calm_run& expected = calm(*this);
  test::process run(run_words("home"));
  const bool killed = disturb_child(run, folder / "state", seed % 2 == 0 ? "python3" : "maze-host",
                                    1 + random() % 6, whom);
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(killed);
  REQUIRE(ended.status == 0);
  const auto report = json::parse(ended.standard_output);
  CHECK(report["result"] == expected.result);
  CHECK(test::read_tree(folder / "home") == expected.files);
  check_published_once(report);
  CHECK(test::processes_with("MAZE_TEST_MARK=" + mark).empty());
}
