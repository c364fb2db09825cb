#pragma once

#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace maze::test {

/// A folder in which a user starts nodes and hands in workflows with the programs themselves. The cluster
/// is called `lab`; it ends with the fixture.
struct cluster_folder {
  scratch_dir folder;
  std::string mark = folder.path().filename().string();

  ~cluster_folder() { node({"stop", "--cluster", "lab"}); }

  process::options options(std::vector<std::string> words) {
    words.insert(words.begin(), MAZE_BIN_DIR "/maze-node");
    return {.argv = std::move(words),
            .working_directory = folder.path(),
            .environment = {{"XDG_RUNTIME_DIR", folder.path().string()},
                            {"HOME", folder.path().string()},
                            {"XDG_CONFIG_HOME", folder.path().string()},
                            {"MAZE_TASK_USER", "same"}}};
  }
  process_result node(std::vector<std::string> words) { return run(options(std::move(words))); }
  std::string good(std::vector<std::string> words) {
    const auto ended = node(std::move(words));
    INFO(ended.standard_error);
    REQUIRE(ended.status == 0);
    return ended.standard_output;
  }
  nlohmann::json good_json(std::vector<std::string> words) {
    words.insert(words.end(), {"--output", "json"});
    return nlohmann::json::parse(good(std::move(words)));
  }
  pid_t start_master(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"start",  "--detach", "--name", "lab",
                                   "--role", "master",   "--dir",  (folder / "master").string()};
    words.insert(words.end(), more.begin(), more.end());
    return good_json(std::move(words))["pid"].get<pid_t>();
  }
  pid_t start_worker(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words{
        "start",  "--detach", "--role", "worker",
        "--name", name,       "--dir",  (folder / "elsewhere" / name).string()};
    words.insert(words.end(), more.begin(), more.end());
    return good_json(std::move(words))["pid"].get<pid_t>();
  }
  void workflow(const std::string& name, const std::string& tasks) {
    std::ofstream(folder / (name + ".yaml"))
        << "maze: 1\nname: " << name
        << "\ndefaults: { output: { run: dict }, env: { MAZE_TEST_MARK: " << mark << " } }\n"
        << tasks;
  }
  /// Five chains of tasks that read what was submitted and what the task before them published.
  void chains(int length) {
    std::filesystem::create_directories(folder / "data");
    for (int i = 0; i < 20; ++i)
      std::ofstream(folder / "data" / std::to_string(i)) << "input " << i << '\n';
    std::string tasks = "files: [data]\ntasks:\n";
    for (int chain = 0; chain < 5; ++chain)
      for (int i = 0; i < length; ++i) {
        const auto name = [&](int at) {
          return "c" + std::to_string(chain) + "-" + std::to_string(at);
        };
        const std::string before = i == 0 ? "data/3" : name(i - 1) + ".txt";
        tasks +=
            "  " + name(i) + ": { " + (i == 0 ? std::string() : "after: [" + name(i - 1) + "], ")
            + "cpus: 0.5, shell: \"cat " + before + " data/" + std::to_string((chain * 7 + i) % 20)
            + " | sha256sum > " + name(i) + ".txt; head -c 20000 /dev/zero | tr '\\\\0' "
            + std::to_string(i % 10) + " > " + name(i) + ".bin\" }\n";
      }
    workflow("chains", tasks);
  }
};

/// How many points of a campaign to try: a few each time, all of them with `tools/test --all`.
inline int points(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  return text == nullptr ? usual : std::atoi(text);
}

inline std::size_t count(const std::filesystem::path& file, const std::string& text) {
  const std::string content = read_file(file);
  std::size_t out = 0;
  for (auto at = content.find(text); at != std::string::npos; at = content.find(text, at + 1))
    ++out;
  return out;
}

} // namespace maze::test
