#include "gateway/mcp.hpp"

#include "gateway/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace maze::gateway {

namespace {

/// The youngest first: what is said to a client that speaks none of them.
constexpr std::array<std::string_view, 3> versions{"2025-06-18", "2025-03-26", "2024-11-05"};

enum rpc_error : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
};

constexpr std::string_view instructions = "maze runs workflows of commands and functions on a "
                                          "cluster. Read workflow_guide before you write one. "
                                          "submit_task or submit_workflow starts a run, get_run "
                                          "with wait_s waits for its end and tells its result, "
                                          "get_task and read_log tell why something failed. A run "
                                          "may be named by its id, by its workflow's name, or "
                                          "as 'last'.";
constexpr std::string_view instructions_to_look =
    "maze runs workflows on a cluster; here you may look and change nothing. list_runs and get_run "
    "tell how "
    "runs stand and what they came to, get_task and read_log why something failed. A run may be "
    "named by its "
    "id, by its workflow's name, or as 'last'.";
/// Of one batch.
constexpr std::size_t messages_max = 100;
/// Of each text in a result, where the client names no limit of its own: what it says is read by a model.
constexpr std::uint64_t result_text_max = 4096;

std::string text_of(const ordered_json& x) {
  return x.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json result(const nlohmann::json& id, ordered_json what) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(what)}};
}

ordered_json failure(const nlohmann::json& id, rpc_error code, std::string_view message) {
  return {{"jsonrpc", "2.0"},
          {"id", id},
          {"error", {{"code", static_cast<int>(code)}, {"message", message}}}};
}

std::string_view type_of(value_kind kind) {
  switch (kind) {
  case value_kind::number:
    return "integer";
  case value_kind::flag:
    return "boolean";
  case value_kind::object:
    return "object";
  default:
    return "string";
  }
}

/// What is only for others: bytes that JSON cannot hold, and files of this machine.
bool is_offered(const operation& what, const parameter& one, const gateway_settings& with) {
  const bool of_archive = one.name == "archive" || (one.name == "path" && what.name != "read_file");
  return !of_archive && (one.name != "file" || with.same_user);
}

bool is_offered(const operation& what, const gateway_settings& with) {
  return !with.read_only || what.does == effect::reads;
}

ordered_json schema_of(const operation& what, const gateway_settings& with) {
  auto properties = ordered_json::object();
  auto required = ordered_json::array();
  for (const parameter& one : what.parameters) {
    if (!is_offered(what, one, with))
      continue;
    ordered_json about{{"type", type_of(one.kind)}, {"description", one.help}};
    if (one.kind == value_kind::number)
      about["minimum"] = 0;
    if (one.max > 0)
      about["maximum"] = one.max;
    if (!one.choices.empty())
      about["enum"] = one.choices;
    properties[std::string(one.name)] = std::move(about);
    if (one.required)
      required.push_back(one.name);
  }
  ordered_json out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty())
    out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

ordered_json tools(const gateway_settings& with) {
  auto list = ordered_json::array();
  for (const operation& what : operations())
    if (is_offered(what, with))
      list.push_back({{"name", what.name},
                      {"title", what.title},
                      {"description", fmt::format("{}. {}", what.title, what.help)},
                      {"inputSchema", schema_of(what, with)},
                      {"annotations",
                       {{"title", what.title},
                        {"readOnlyHint", what.does == effect::reads},
                        {"destructiveHint", what.does == effect::removes},
                        {"openWorldHint", what.does == effect::adds}}}});
  return {{"tools", std::move(list)}};
}

ordered_json greet(const nlohmann::json& params, bool read_only) {
  const std::string wanted =
      params.contains("protocolVersion") && params["protocolVersion"].is_string()
          ? params["protocolVersion"].get<std::string>()
          : std::string();
  const bool spoken = std::find(versions.begin(), versions.end(), wanted) != versions.end();
  return {{"protocolVersion", spoken ? wanted : std::string(versions.front())},
          {"capabilities", {{"tools", {{"listChanged", false}}}}},
          {"serverInfo", {{"name", "maze"}, {"title", "maze"}, {"version", MAZE_VERSION}}},
          {"instructions", read_only ? instructions_to_look : instructions}};
}

/// A refusal is told as a result, so that the model hears of it and can do better.
ordered_json tool_result(const outcome<ordered_json>& done) {
  const ordered_json content = done ? *done : view_of(done.error());
  return {{"content", ordered_json::array({{{"type", "text"}, {"text", text_of(content)}}})},
          {"structuredContent", content},
          {"isError", !done.has_value()}};
}

ordered_json call_tool(operator_desk& desk, const nlohmann::json& id,
                       const nlohmann::json& params) {
  if (!params.contains("name") || !params["name"].is_string())
    return failure(id, invalid_params, "'name' is missing: which tool is called");
  const auto name = params["name"].get<std::string>();
  const operation* const what = find_operation(name);
  if (what == nullptr || !is_offered(*what, desk.with()))
    return failure(id, invalid_params, fmt::format("there is no tool '{}'", name.substr(0, 100)));
  auto arguments = params.value("arguments", nlohmann::json::object());
  for (const parameter& one : what->parameters)
    if (arguments.contains(std::string(one.name)) && !is_offered(*what, one, desk.with()))
      return failure(id, invalid_params, fmt::format("{} takes no '{}' here", name, one.name));
  // What a model wants to know of a task, and no more of it than it can read.
  for (const parameter& one : what->parameters)
    if (arguments.is_object() && !arguments.contains(std::string(one.name))) {
      if (one.name == "text_max")
        arguments["text_max"] = result_text_max;
      else if (one.name == "logs")
        arguments["logs"] = true;
    }
  return result(id, tool_result(desk.carry_out(*what, arguments)));
}

ordered_json answer(operator_desk& desk, const nlohmann::json& id, const std::string& method,
                    const nlohmann::json& params) {
  if (!params.is_object())
    return failure(id, invalid_params, "'params' is no object");
  if (method == "initialize")
    return result(id, greet(params, desk.with().read_only));
  if (method == "ping")
    return result(id, ordered_json::object());
  if (method == "tools/list")
    return result(id, tools(desk.with()));
  if (method == "tools/call")
    return call_tool(desk, id, params);
  return failure(id, method_not_found,
                 fmt::format("there is no method '{}'", method.substr(0, 100)));
}

std::optional<ordered_json> answer_one(operator_desk& desk, const nlohmann::json& asked) {
  if (!asked.is_object() || asked.value("jsonrpc", nlohmann::json()) != "2.0")
    return failure(nullptr, invalid_request, "this is no JSON-RPC 2.0 object");
  const bool has_method = asked.contains("method") && asked["method"].is_string();
  if (!asked.contains("id")
      || (!has_method && (asked.contains("result") || asked.contains("error"))))
    return std::nullopt;
  const auto& id = asked["id"];
  if (!(id.is_string() || id.is_number()))
    return failure(nullptr, invalid_request, "'id' is neither a text nor a number");
  if (!has_method)
    return failure(id, invalid_request, "'method' is missing or no text");
  return answer(desk, id, asked["method"].get<std::string>(),
                asked.value("params", nlohmann::json::object()));
}

} // namespace

std::optional<std::string> answer_mcp(operator_desk& desk, std::string_view message) {
  const auto asked = read_json(message);
  if (!asked)
    return text_of(failure(nullptr, parse_error, asked.error().message));
  if (!asked->is_array() || asked->empty()) {
    const auto told = answer_one(desk, *asked);
    return told ? std::optional(text_of(*told)) : std::nullopt;
  }
  // Several at once, as the version 2025-03-26 has it.
  if (asked->size() > messages_max)
    return text_of(failure(
        nullptr, invalid_request,
        fmt::format("{} messages at once, at most {} are taken", asked->size(), messages_max)));
  auto all = ordered_json::array();
  for (const auto& one : *asked)
    if (auto told = answer_one(desk, one))
      all.push_back(std::move(*told));
  return all.empty() ? std::nullopt : std::optional(text_of(all));
}

} // namespace maze::gateway
