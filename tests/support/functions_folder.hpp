#pragma once

#include "support/cluster_folder.hpp"
#include "support/function_tasks.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace maze::test {

/// A folder for workflows of functions. They may use the libraries `plain` and `hostile`, and have one output `r`
/// where they do not say more.
struct functions_folder : cluster_folder {
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((folder / path).parent_path());
    std::ofstream(folder / path) << content;
  }
  /// `lines` are the tasks, and what comes behind them.
  void tasks(const std::string& name, const std::string& lines) const {
    write(name + ".yaml", "maze: 1\nname: " + name
                              + "\nlibraries: { plain: " + task_library("plain").native()
                              + ", hostile: " + task_library("hostile").native()
                              + " }\ndefaults: { output: { r: any }, env: { MAZE_TEST_MARK: " + mark
                              + " } }\ntasks:\n" + lines);
  }
  /// The report of a run that ends with `status`.
  nlohmann::json failing_json(std::vector<std::string> words, int status) {
    words.insert(words.end(), {"--output", "json"});
    const auto ended = node(std::move(words));
    INFO(ended.standard_error);
    REQUIRE(ended.status == status);
    return nlohmann::json::parse(ended.standard_output);
  }
  /// Commands, functions of a library and of Python that need each other's values and files.
  void mixed_graph() const {
    write("in.txt", "a b a");
    write("src/lines.py", "def read(path):\n    with open('made.txt', 'w') as out:\n"
                          "        out.write('made by Python\\n')\n    return open(path).read()\n");
    tasks(
        "mixed",
        "  text: { python: \"src/lines.py:read\", inputs: { path: in.txt } }\n"
        "  words: { function: plain.count, inputs: { text: text.output.r } }\n"
        "  number: { output: { run: dict }, after: [text], shell: \"grep -q Python made.txt && "
        "echo 41 | tee shell.txt\" }\n"
        "  parse: { code: \"def f(text): return int(text)\", inputs: { text: "
        "number.output.run.stdout } }\n"
        "  sum: { function: plain.add, inputs: { a: parse.output.r, b: 1 }, cpus: 1 }\n"
        "  all: { code: \"def f(sum, words): return {'sum': sum, 'words': words}\", inputs: { sum: "
        "sum.output.r, words: words.output.r } }\n"
        "files: [in.txt]\nresult: all.output.r\n");
  }
};

} // namespace maze::test
