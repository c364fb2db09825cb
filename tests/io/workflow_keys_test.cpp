#include "maze/io/workflow_keys.hpp"

#include "maze/io/value_types.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

using namespace maze::io;

TEST_CASE("each section has distinct keys and a name", "[io][workflow]") {
  std::set<std::string_view> names;
  for (const auto section : all_sections()) {
    std::set<std::string_view> keys;
    for (const auto& key : known_keys(section)) {
      CHECK(keys.insert(key.name).second);
      CHECK(find_key(section, key.name)->name == key.name);
    }
    CHECK_FALSE(keys.empty());
    CHECK(names.insert(section_name(section)).second);
  }
}

TEST_CASE("each required key has an example that begins with it", "[io][workflow]") {
  for (const auto section : all_sections())
    for (const auto& key : known_keys(section)) {
      INFO(key.name);
      CHECK(key.required == key.example.starts_with(std::string(key.name) + ": "));
    }
}

TEST_CASE("every default is also a key of a task", "[io][workflow]") {
  for (const auto& key : known_keys(workflow_section::defaults))
    CHECK(find_key(workflow_section::task, key.name) != nullptr);
}

TEST_CASE("a misspelt key and another tool's key lead to ours", "[io][workflow]") {
  CHECK(meant_key(workflow_section::task, "timout") == "timeout");
  CHECK(meant_key(workflow_section::task, "depends_on") == "after");
  CHECK_FALSE(meant_key(workflow_section::workflow, "depends_on"));
  for (const auto& [typed, meant] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"retry", "retries"},
                                                                  {"Retries", "retries"},
                                                                  {"attempts", "retries"},
                                                                  {"timeouts", "timeout"},
                                                                  {"input", "inputs"},
                                                                  {"ouput", "output"},
                                                                  {"outptus", "outputs"},
                                                                  {"param", "params"},
                                                                  {"envs", "env"},
                                                                  {"deletions", "deletes"},
                                                                  {"gpu", "gpus"},
                                                                  {"deps", "after"}}) {
    INFO(typed);
    CHECK(meant_key(workflow_section::task, typed) == meant);
  }
  CHECK(meant_key(workflow_section::file, "exclude") == "except");
  CHECK(find_key(workflow_section::task, "timout") == nullptr);
  CHECK(key_remedy(workflow_section::sandbox, "wheels").starts_with("sandbox knows `level`"));
}

namespace {

nlohmann::json read_schema() {
  std::ifstream file(MAZE_SOURCE_DIR "/tools/schema/workflow.schema.json");
  return nlohmann::json::parse(file);
}

/// The part of the schema that describes a section.
std::string schema_place(workflow_section section) {
  switch (section) {
  case workflow_section::workflow:
    return "";
  case workflow_section::secret:
    return "/$defs/secret";
  case workflow_section::file:
    return "/$defs/file";
  case workflow_section::defaults:
    return "/$defs/defaults";
  case workflow_section::task:
    return "/$defs/task";
  case workflow_section::sandbox:
    return "/$defs/sandbox";
  case workflow_section::parameter:
    return "/$defs/parameter";
  case workflow_section::output:
    return "/$defs/output_type";
  case workflow_section::sync:
    return "/$defs/sync";
  }
  return "/none";
}

} // namespace

TEST_CASE("the JSON Schema has the parser's keys, no more and no fewer", "[io][workflow]") {
  const auto schema = read_schema();
  for (const auto section : all_sections()) {
    const auto& part = schema.at(nlohmann::json::json_pointer(schema_place(section)));
    INFO(section_name(section));
    CHECK(part.at("additionalProperties") == false);
    std::set<std::string> described;
    for (const auto& [key, meaning] : part.at("properties").items())
      described.insert(key);
    std::set<std::string> known;
    for (const auto& key : known_keys(section)) {
      INFO(key.name);
      known.emplace(key.name);
      const auto required = part.value("required", nlohmann::json::array());
      CHECK(key.required
            == (std::find(required.begin(), required.end(), key.name) != required.end()));
      REQUIRE(part.at("properties").contains(key.name));
    }
    CHECK(described == known);
  }
}

TEST_CASE("the JSON Schema has the parser's types", "[io][workflow]") {
  std::vector<std::string> names(type_names().begin(), type_names().end());
  CHECK(read_schema().at("$defs").at("type_name").at("enum").get<std::vector<std::string>>()
        == names);
}
