#include "gateway/rest.hpp"

#include "gateway/access.hpp"
#include "gateway/json_text.hpp"
#include "gateway/run_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace maze::gateway {

namespace {

constexpr std::array all_routes{
    route{"GET", "/status", "cluster_status"},
    route{"GET", "/config", "get_config"},
    route{"GET", "/guide", "workflow_guide"},
    route{"GET", "/nodes", "list_nodes"},
    route{"GET", "/nodes/{node}", "get_node"},
    route{"POST", "/nodes/{node}/drain", "drain_node"},
    route{"GET", "/runs", "list_runs"},
    route{"POST", "/runs", "submit_workflow", "workflow"},
    route{"POST", "/tasks", "submit_task", "task"},
    route{"POST", "/validate", "validate_workflow", "workflow"},
    route{"GET", "/runs/{run}", "get_run"},
    route{"DELETE", "/runs/{run}", "forget_run"},
    route{"POST", "/runs/{run}/cancel", "cancel_run"},
    route{"GET", "/runs/{run}/tasks", "list_tasks"},
    route{"GET", "/runs/{run}/tasks/{task}", "get_task"},
    route{"GET", "/runs/{run}/tasks/{task}/log", "read_log"},
    route{"POST", "/runs/{run}/tasks/{task}/cancel", "cancel_task"},
    route{"GET", "/runs/{run}/files", "list_files"},
    route{"GET", "/runs/{run}/files/{path...}", "read_file", "", true},
};

constexpr std::uint64_t small_max = std::uint64_t{1} << 20;
/// What a workflow file may have, and its JSON form with escapes.
constexpr std::uint64_t text_max = std::uint64_t{17} << 20;
constexpr std::uint64_t archive_max = std::uint64_t{64} << 20;

std::string one_line(const ordered_json& x) {
  return x.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

io::http_reply json_reply(std::uint32_t status, const ordered_json& body) {
  io::http_reply out;
  out.status = status;
  out.type = "application/json";
  out.body = one_line(body);
  return out;
}

io::http_reply reply_to(const refused& why) {
  const std::uint32_t status = why.unreachable       ? 503
                               : !why.faults.empty() ? 422
                                                     : status_of(why.why.code);
  auto out = json_reply(status, view_of(why));
  if (status == 503)
    out.headers.emplace_back("Retry-After", "2");
  return out;
}

/// Puts the parts of `path` that a pattern has names for into `into`; whether it fits.
bool fits(std::string_view pattern, std::span<const std::string> path, nlohmann::json& into) {
  std::size_t at = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (at == path.size())
      return false;
    if (part.ends_with("...}")) {
      std::string rest;
      for (; at < path.size(); ++at)
        rest += (rest.empty() ? "" : "/") + path[at];
      into[std::string(part.substr(1, part.size() - 5))] = rest;
    } else if (part.starts_with('{')) {
      into[std::string(part.substr(1, part.size() - 2))] = path[at++];
    } else if (part != path[at++]) {
      return false;
    }
  }
  return at == path.size();
}

/// A text of the query as its parameter wants it; as it is where that is not to be had.
nlohmann::json typed(const operation& what, const std::string& name, const std::string& text) {
  const auto known = std::find_if(what.parameters.begin(), what.parameters.end(),
                                  [&](const parameter& one) { return one.name == name; });
  if (known == what.parameters.end())
    return text;
  if (known->kind == value_kind::number) {
    std::uint64_t number = 0;
    const auto* end = text.data() + text.size();
    if (const auto [stop, fault] = std::from_chars(text.data(), end, number);
        fault == std::errc{} && stop == end)
      return number;
  }
  if (known->kind == value_kind::flag && (text.empty() || text == "true" || text == "1"))
    return true;
  if (known->kind == value_kind::flag && (text == "false" || text == "0"))
    return false;
  return text;
}

core::error malformed(std::string message) {
  return {.code = core::errc::malformed, .message = std::move(message), .origin = "gateway"};
}

/// Adds what the content says. Fails with `malformed`.
core::result<void> take_body(const route& way, const operation& what, io::http_request& asked,
                             nlohmann::json& into) {
  if (way.body.empty()) {
    if (!asked.body.empty())
      return core::fail(malformed(fmt::format("{} {} takes no content", way.method, way.path)));
    return {};
  }
  const auto known = std::find_if(what.parameters.begin(), what.parameters.end(),
                                  [&](const parameter& one) { return one.name == way.body; });
  if (known->kind == value_kind::object) {
    auto body = read_json(asked.body);
    if (!body)
      return core::fail(body.error());
    into[std::string(way.body)] = std::move(*body);
  } else {
    into[std::string(way.body)] = std::move(asked.body);
  }
  return {};
}

bool wants_text(const io::http_request& asked) {
  const auto accepts = asked.header("accept");
  return accepts.find("text/plain") != std::string_view::npos
         && accepts.find("json") == std::string_view::npos;
}

io::http_reply send_file(operator_desk& desk, const operation& what,
                         const nlohmann::json& arguments) {
  if (auto fine = check_arguments(what, arguments); !fine)
    return error_reply(400, fine.error());
  auto link = desk.line().get();
  if (!link)
    return error_reply(503, link.error());
  auto file = open_file({desk.with(), *link, arguments});
  if (!file) {
    if (file.error().code == core::errc::transfer_error)
      desk.line().drop(*link);
    return error_reply(status_of(file.error().code), file.error());
  }
  io::http_reply out;
  // Never shown by a browser as a page of this gateway, whatever it holds.
  out.type = "application/octet-stream";
  out.headers.emplace_back("Content-Disposition", "attachment");
  if (file->size > 0)
    out.file = std::move(file->content);
  return out;
}

io::http_reply carry_out(operator_desk& desk, const route& way, io::http_request& asked,
                         nlohmann::json arguments) {
  const operation& what = *find_operation(way.operation);
  for (const auto& [name, text] : asked.target.query) {
    if (arguments.contains(name))
      return error_reply(400, malformed(fmt::format("'{}' is given twice", name)));
    arguments[name] = typed(what, name, text);
  }
  if (auto taken = take_body(way, what, asked, arguments); !taken)
    return error_reply(status_of(taken.error().code), taken.error());
  if (way.raw)
    return send_file(desk, what, arguments);
  if (what.print != nullptr && wants_text(asked)) {
    auto text = desk.print(what, arguments);
    if (!text)
      return reply_to(text.error());
    io::http_reply out;
    out.type = "text/plain; charset=utf-8";
    out.body = std::move(*text);
    return out;
  }
  const auto done = desk.carry_out(what, arguments);
  if (!done)
    return reply_to(done.error());
  return json_reply(what.does == effect::adds ? 201 : 200, *done);
}

/// What only the answer that is JSON has.
bool is_of_text(std::string_view name) { return name == "offset" || name == "max"; }

ordered_json listing() {
  auto list = ordered_json::array();
  for (const route& way : all_routes) {
    const operation& what = *find_operation(way.operation);
    auto parameters = ordered_json::object();
    for (const parameter& one : what.parameters)
      if (one.name != "file" && one.name != "archive" && !(way.raw && is_of_text(one.name)))
        parameters[std::string(one.name)] = one.help;
    list.push_back({{"method", way.method},
                    {"path", fmt::format("/api/v1{}", way.path)},
                    {"what", way.raw ? "The content of one file" : what.title},
                    {"help", way.raw ? "Its bytes, as they are." : what.help},
                    {"parameters", std::move(parameters)},
                    {"content", way.body.empty() ? ordered_json() : ordered_json(way.body)}});
  }
  return {{"routes", std::move(list)}};
}

} // namespace

std::span<const route> routes() { return all_routes; }

std::uint32_t status_of(core::errc code) {
  using core::errc;
  switch (code) {
  case errc::not_found:
    return 404;
  case errc::permission_denied:
  case errc::untrusted_function:
  case errc::sandbox_violation:
    return 403;
  case errc::already_exists:
  case errc::stale:
  case errc::file_conflict:
    return 409;
  case errc::object_lost:
    return 410;
  case errc::limit_exceeded:
    return 413;
  case errc::invalid_argument:
  case errc::malformed:
    return 400;
  case errc::invalid_payload:
  case errc::input_missing:
  case errc::unschedulable:
  case errc::unsupported_operation:
    return 422;
  case errc::transfer_error:
  case errc::resource_exhausted:
    return 503;
  default:
    return 500;
  }
}

io::http_reply answer_rest(operator_desk& desk, io::http_request asked) {
  // The first two parts are `api` and `v1`.
  const std::span<const std::string> path = std::span(asked.target.path).subspan(2);
  if (path.empty() && asked.method == "GET")
    return json_reply(200, listing());
  std::string allowed;
  for (const route& way : all_routes) {
    auto arguments = nlohmann::json::object();
    if (!fits(way.path, path, arguments))
      continue;
    if (way.method == asked.method)
      return carry_out(desk, way, asked, std::move(arguments));
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", way.method);
  }
  if (allowed.empty())
    return error_reply(404, {.code = core::errc::not_found,
                             .message = "there is nothing here: GET /api/v1 lists what there is",
                             .origin = "gateway"});
  auto out = error_reply(405, {.code = core::errc::unsupported_operation,
                               .message = fmt::format("{} is not for this place, which takes {}",
                                                      asked.method.substr(0, 20), allowed),
                               .origin = "gateway"});
  out.headers.emplace_back("Allow", allowed);
  return out;
}

std::uint64_t content_max(const io::http_request& asked) {
  if (asked.method != "POST")
    return small_max;
  // Archives come where workflows do, and may be larger.
  return asked.target.path == std::vector<std::string>{"mcp"} ? text_max : archive_max;
}

} // namespace maze::gateway
