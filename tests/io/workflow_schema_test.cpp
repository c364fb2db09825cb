#include "maze/io/plain_scalar.hpp"
#include "maze/io/workflow_file.hpp"
#include "support/malformed_cases.hpp"
#include "support/needs.hpp"
#include "support/read_document.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

using namespace maze;

namespace {

std::optional<std::string> missing_jsonschema() {
  if (std::system("python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null")
      == 0)
    return std::nullopt;
  return "python3-jsonschema with draft 2020-12 is not installed";
}

/// What an editor's YAML reader makes of a document, as our own reader reads bare words.
nlohmann::json to_json(const io::document_node& node) {
  if (const auto* items = node.as_list()) {
    auto out = nlohmann::json::array();
    for (const auto& item : *items)
      out.push_back(to_json(item));
    return out;
  }
  if (const auto* members = node.as_map()) {
    auto out = nlohmann::json::object();
    for (const auto& member : *members)
      out[member.key] = to_json(member.value);
    return out;
  }
  const auto& text = *node.as_scalar();
  const auto meaning = node.plain ? io::read_plain_scalar(text) : core::value(text);
  if (!meaning || meaning->is<std::string>())
    return text;
  if (meaning->is<core::null>())
    return nullptr;
  return nlohmann::json::parse(text);
}

/// Whether a schema can see the fault, which needs no second place of the document and no unit.
bool schema_can_tell(const test::malformed_case& one) {
  static const std::set<std::string> codes{"missing_key",
                                           "key_of_other_kind",
                                           "unsupported_version",
                                           "bad_name",
                                           "bad_variable_name",
                                           "bad_secret",
                                           "bad_label",
                                           "expected_map",
                                           "expected_list",
                                           "expected_integer",
                                           "expected_number",
                                           "unknown_key",
                                           "no_tasks",
                                           "task_kind_missing",
                                           "task_kind_not_single",
                                           "bad_function",
                                           "empty_command",
                                           "unknown_type",
                                           "output_type_mismatch",
                                           "output_not_single",
                                           "bad_glob",
                                           "bad_duration",
                                           "unknown_sandbox_level",
                                           "not_a_reference",
                                           "duplicate_entry",
                                           "unknown_choice"};
  // To a schema 1.0 is the whole number 1, and the name of a program may be any text.
  static const std::set<std::string> beyond{"a version with a fraction",
                                            "a command whose program is empty"};
  return codes.count(one.expected.front().code) == 1 && beyond.count(one.name) == 0;
}

const std::vector<std::string> sound_documents{
    "maze: 1\nname: w\ntasks: {a: {command: [ls], output: {r: dict}}}",
    R"(
maze: 1
name: full
context: {top: 50, deep: {list: [1, null]}, key: {secret: env:API_KEY}}
files: [plot.py, ../x, {from: /usr/share/doc, match: "**/*.gz", to: doc/, except: ["*.html", "private/**"]}]
$schema: x.json
defaults: {output: {r: {type: any}}, timeout: 1.5h, memory: 4096, env: {A: x}, ok_exit: [1], priority: -1}
tasks:
  a: {shell: ls}
  b:
    command: [x, 1, 2.5, true, a.output.r.stdout, {literal: a.output}, {param: p}]
    params: {p: null, q: list, r: {type: float, default: 3}}
    inputs: {p: 1, q: [a.output.r, {literal: x.output.y}], z: {k: 1}}
    output: {o: null}
    after: [a]
    deletes: ["*.tmp"]
    publishes: [gen.py]
    reads: [src]
    writes: ["*.o"]
    file_report: strict
    cpus: 0.5
    memory: 1.5GiB
    gpus: 1
    timeout: null
    retries: 100
    labels: {disk: ssd, node: w-1.a}
    required_platform: android
    sandbox: {level: docker, cpu_time: 1m, address_space: 1GB, file_size: null, open_files: 8,
              timeout: 90, cpu_share: 80%, memory: 1GiB, environment: [HTTP_PROXY]}
  c: {shell: x, sandbox: none}
  e: {shell: x, sandbox: {level: seccomp, violation: kill, max_memory_mb: 5, max_cpu_time: 3, network_enabled: true,
                          mount_paths: {/a: /a}, allowed_syscalls: [1], allowed_paths: [/b]}}
  f: {code: "def f(): pass", sandbox: {memory_limit: 1GB, cpu_limit: 150, max_file_size: 1MB,
                                        max_execution_time: 2.5, allow_network: true,
                                        allow_filesystem: true, allowed_imports: [json]}}
  d: {shell: x, outputs: many, output: {stdout: bytes, stderr: {type: any}, exit_code: int}}
collect: ["*.zst", out/**]
conflicts: last_wins
sync: {ignore: ["/build/", "!*.py", "# why"], include: []}
result: b.output.o.exit_code
)",
    R"(
maze: 1
name: many
conflicts: rename
sync: {}
defaults: {outputs: many, output: {stdout: string, exit_code: int}}
tasks:
  a: {shell: ls}
  b: {shell: ls, output: {stderr: null}}
  c: {shell: ls, outputs: one, output: {r: dict}}
result: a.output.stdout
)",
    R"(
maze: 1
name: plugins
libraries: build/plugins
tasks: {a: {function: text.count, output: {r: int}}}
)",
    R"(
maze: 1
name: functions
libraries: {text: build/libtext.so}
defaults: {output: {n: int}}
tasks:
  a: {function: text.count, inputs: {path: a.txt}}
  b: {python: "plot.py:draw", outputs: many, output: {image: bytes, width: {type: int}}, child: fresh}
  c: {code: "def main(): pass", entry: main, output: {r: null}, child: warm}
  d: {serialized_code: gASV, sandbox: {imports: [json]}, output: {r: list}}
  f: {code_str: "def main(): pass", entry: main, output: {r: null}, child: forked, max_calls: 10}
  e: {shell: ls, output: {r: dict}, ok_exit: [1]}
result: a.output.n
)"};

} // namespace

TEST_CASE("the JSON Schema judges workflows as the parser does", "[io][workflow]") {
  MAZE_NEEDS(missing_jsonschema());
  const test::scratch_dir folder;
  std::ofstream documents(folder / "documents");
  std::size_t count = 0;
  const auto add = [&](const std::string& name, bool sound, const nlohmann::json& document) {
    documents << nlohmann::json{{"name", name}, {"sound", sound}, {"document", document}} << "\n";
    ++count;
  };
  for (const auto& text : sound_documents) {
    REQUIRE(io::parse_workflow(text, "w", io::text_format::yaml));
    add(text, true, to_json(test::read_document(text).root));
  }
  for (const auto& one : test::all_malformed_cases()) {
    if (!schema_can_tell(one))
      continue;
    const io::source_text source(one.text);
    io::findings found(source);
    const auto tree = io::parse_document(found, one.format);
    if (tree && found.empty())
      add(one.name, false, to_json(*tree));
  }
  documents.close();
  CHECK(count > 80);
  const std::string command = "python3 -B " MAZE_SOURCE_DIR "/tests/io/workflow_schema_check.py "
                              + (folder / "documents").string() + " " MAZE_SOURCE_DIR
                              + "/tools/schema/workflow.schema.json > " + (folder / "out").string();
  REQUIRE(std::system(command.c_str()) == 0);
  std::ostringstream said;
  said << std::ifstream(folder / "out").rdbuf();
  CHECK(said.str() == "judged " + std::to_string(count) + "\n");
}
