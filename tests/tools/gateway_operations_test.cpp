#include "gateway/guide.hpp"
#include "gateway/json_text.hpp"
#include "gateway/mcp.hpp"
#include "gateway/operation.hpp"
#include "gateway/rest.hpp"
#include "gateway/web.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze;
using namespace maze::gateway;
using Catch::Matchers::Contains;

namespace {

/// A gateway to a cluster that is not there.
struct lone_desk {
  test::scratch_dir room;
  operator_desk desk;

  explicit lone_desk(bool read_only = false, bool same_user = false)
      : desk({.what = {.values = {.cluster = (room / "none.join").string()}},
              .read_only = read_only,
              .same_user = same_user}) {}

  outcome<ordered_json> carry_out(const std::string& name, const nlohmann::json& arguments) {
    return desk.carry_out(*find_operation(name), arguments);
  }
  std::string refusal_of(const std::string& name, const nlohmann::json& arguments) {
    const auto done = carry_out(name, arguments);
    REQUIRE_FALSE(done);
    return done.error().why.message;
  }
  io::http_reply ask(std::string method, const std::string& target, std::string body = {},
                     std::map<std::string, std::string> headers = {}) {
    return answer_rest(desk, {.method = std::move(method),
                              .target = io::parse_target(target).value(),
                              .headers = std::move(headers),
                              .body = std::move(body)});
  }
  nlohmann::json say(const std::string& message) {
    const auto answer = answer_mcp(desk, message);
    REQUIRE(answer);
    return nlohmann::json::parse(*answer);
  }
};

const std::string sound_workflow =
    R"({"maze": 1, "name": "w", "tasks": {"a": {"command": ["true"], "output": {"run": "dict"}}}})";

} // namespace

TEST_CASE("each operation has a name of its own, a title, help, and sound parameters") {
  std::set<std::string_view> names;
  for (const operation& one : operations()) {
    CAPTURE(one.name);
    CHECK(names.insert(one.name).second);
    CHECK_FALSE(one.title.empty());
    CHECK_FALSE(one.help.empty());
    CHECK(one.carry_out != nullptr);
    std::set<std::string_view> parameters;
    for (const parameter& each : one.parameters) {
      CHECK(parameters.insert(each.name).second);
      CHECK_FALSE(each.help.empty());
    }
  }
}

TEST_CASE("each route leads to an operation that has the parameters of its path") {
  std::set<std::string_view> reached;
  for (const route& way : routes()) {
    CAPTURE(way.path);
    const operation* const what = find_operation(way.operation);
    REQUIRE(what != nullptr);
    reached.insert(what->name);
    CHECK((what->does == effect::reads || way.method != "GET"));
    for (const parameter& one : what->parameters)
      if (one.required)
        CHECK((way.path.find(std::string("{") + std::string(one.name)) != std::string_view::npos
               || way.body == one.name));
  }
  for (const operation& one : operations()) {
    CAPTURE(one.name);
    CHECK(reached.contains(one.name));
  }
}

TEST_CASE("arguments are checked before anything is done") {
  lone_desk lone;
  CHECK_THAT(lone.refusal_of("get_node", nlohmann::json::object()), Contains("'node' is missing"));
  CHECK_THAT(lone.refusal_of("get_node", {{"node", 1}}), Contains("'node' is not a text"));
  CHECK_THAT(lone.refusal_of("list_runs", {{"count", -1}}), Contains("not a whole number"));
  CHECK_THAT(lone.refusal_of("list_runs", {{"count", 1.5}}), Contains("not a whole number"));
  CHECK_THAT(lone.refusal_of("list_runs", {{"cuont", 1}}),
             Contains("no parameter 'cuont'; it takes first, count"));
  CHECK_THAT(lone.refusal_of("cluster_status", nlohmann::json::array()), Contains("no object"));
}

TEST_CASE("a cluster that cannot be reached is said to be so, and not that something is missing") {
  lone_desk lone;
  const auto done = lone.carry_out("cluster_status", nlohmann::json::object());
  REQUIRE_FALSE(done);
  CHECK(done.error().unreachable);
  const auto away = lone.ask("GET", "/api/v1/status");
  CHECK(away.status == 503);
  CHECK(away.headers.front() == std::pair<std::string, std::string>{"Retry-After", "2"});
  CHECK(nlohmann::json::parse(away.body)["error"]["retryable"] == true);
  CHECK(lone.ask("GET", "/api/v1/runs/last/files/a.txt").status == 503);
  CHECK(lone.ask("GET", "/api/v1/config").status == 200);
}

TEST_CASE("a gateway that only reads refuses whatever changes the cluster") {
  lone_desk lone(true);
  for (const operation& one : operations()) {
    CAPTURE(one.name);
    if (one.does == effect::reads)
      continue;
    CHECK_THAT(lone.refusal_of(std::string(one.name), nlohmann::json::object()),
               Contains("--read-only"));
  }
  CHECK(lone.ask("POST", "/api/v1/runs", sound_workflow).status == 403);
  CHECK(lone.ask("POST", "/api/v1/validate", sound_workflow).status == 200);
}

TEST_CASE("a workflow is checked as a text, and its faults are told with their places") {
  lone_desk lone;
  const auto fine = lone.carry_out("validate_workflow", {{"workflow", sound_workflow}});
  REQUIRE(fine);
  CHECK(fine->at("name") == "w");
  CHECK(fine->at("tasks") == 1);
  const auto reply =
      lone.ask("POST", "/api/v1/validate", "maze: 1\nname: w\ntasks: {a: {shel: x}}\n");
  CHECK(reply.status == 422);
  const auto told = nlohmann::json::parse(reply.body);
  CHECK(told["faults"].size() >= 1);
  CHECK(told["faults"].back()["line"] == 3);
  CHECK_THAT(told["error"]["message"].get<std::string>(), Contains("workflow:3"));
}

TEST_CASE("who is not the gateway's user may name neither its files nor its environment") {
  lone_desk lone;
  const auto with = [](const std::string& more) {
    return "maze: 1\nname: w\ntasks: {a: {command: [\"true\"], output: {run: dict}}}\n" + more;
  };
  const auto validate = [&](const std::string& text) {
    return lone.refusal_of("validate_workflow", {{"workflow", text}});
  };
  CHECK_THAT(validate(with("files: [{from: /etc/passwd}]\n")), Contains("files[0]: '/etc/passwd'"));
  CHECK_THAT(validate(with("files: [{from: a/../../b}]\n")), Contains("outside"));
  CHECK_THAT(validate(with("libraries: /usr/lib\n")), Contains("libraries: '/usr/lib'"));
  CHECK_THAT(validate("maze: 1\nname: w\nlibraries: {l: ../l.so}\ntasks: {a: {function: l.f, "
                      "output: {x: int}}}\n"),
             Contains("libraries.l"));
  CHECK_THAT(validate(with("context: {key: {secret: HOME}}\n")), Contains("context.key"));
  CHECK_THAT(lone.refusal_of("validate_workflow", {{"file", "/etc/passwd"}}),
             Contains("who run the gateway themselves"));
  lone_desk own(false, true);
  CHECK(own.carry_out("validate_workflow", {{"workflow", with("files: [{from: /etc/passwd}]\n")}}));
}

TEST_CASE("a workflow that comes alone and names files beside it is told to bring them") {
  lone_desk lone;
  const std::string task = "\ntasks: {a: {command: [\"true\"], output: {run: dict}}}\n";
  const auto validate = [&](const std::string& text) {
    return lone.refusal_of("validate_workflow", {{"workflow", text}});
  };
  CHECK_THAT(validate("maze: 1\nname: w\nlibraries: plugins" + task),
             Contains("libraries: 'plugins'"));
  CHECK_THAT(validate("maze: 1\nname: w\nfiles: [data]" + task),
             Contains("files[0]: 'data'") && Contains("archive"));
  CHECK_THAT(
      validate("maze: 1\nname: w\ntasks: {a: {python: \"plot.py:draw\", output: {x: any}}}\n"),
      Contains("tasks.a.python: 'plot.py'"));
  CHECK(lone.ask("POST", "/api/v1/validate", "maze: 1\nname: w\nfiles: [data]" + task).status
        == 422);
}

TEST_CASE("the guide is about workflows that are sound") {
  lone_desk lone;
  for (const std::string_view example : guide_examples()) {
    CAPTURE(example);
    CHECK(lone.carry_out("validate_workflow", {{"workflow", std::string(example)}}));
    CHECK(workflow_guide().find(example) != std::string_view::npos);
  }
  CHECK(lone.ask("GET", "/api/v1/guide", {}, {{"accept", "text/plain"}}).body == workflow_guide());
}

TEST_CASE("numbers have limits and some texts have choices, and both are said") {
  lone_desk lone;
  CHECK_THAT(lone.refusal_of("get_run", {{"run", "last"}, {"wait_s", 31u}}),
             Contains("at most 30"));
  CHECK_THAT(lone.refusal_of("list_runs", {{"count", 1001u}}), Contains("at most 1000"));
  CHECK_THAT(lone.refusal_of("read_log", {{"run", "last"}, {"task", "t"}, {"stream", "both"}}),
             Contains("'stream' is one of stdout, stderr"));
  CHECK_THAT(lone.refusal_of("list_tasks", {{"run", "last"}, {"state", "odd"}}),
             Contains("completed"));
}

TEST_CASE("the API says what it has, and refuses what it has not") {
  lone_desk lone;
  const auto all = nlohmann::json::parse(lone.ask("GET", "/api/v1").body)["routes"];
  CHECK(all.size() == routes().size());
  CHECK(lone.ask("GET", "/api/v1/nothing").status == 404);
  CHECK(lone.ask("GET", "/api/v1/runs/a/b").status == 404);
  const auto wrong = lone.ask("PUT", "/api/v1/runs/last");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.front() == std::pair<std::string, std::string>{"Allow", "GET, DELETE"});
  CHECK(lone.ask("GET", "/api/v1/runs?count=many").status == 400);
  CHECK(lone.ask("GET", "/api/v1/runs?count=1&colour=red").status == 400);
  CHECK(lone.ask("GET", "/api/v1/nodes/w1?node=w2").status == 400);
  CHECK(lone.ask("POST", "/api/v1/nodes/w1/drain", "content").status == 400);
  CHECK(lone.ask("POST", "/api/v1/tasks", "{").status == 400);
  CHECK(lone.ask("POST", "/api/v1/tasks", "[]").status == 400);
  CHECK(lone.ask("GET", "/api/v1/config", {}, {{"accept", "text/plain"}}).type
        == "text/plain; charset=utf-8");
}

TEST_CASE("foreign JSON that is deeper than anybody could write again is refused") {
  CHECK(read_json(std::string(100, '[') + std::string(100, ']')));
  const auto deep = read_json(std::string(101, '[') + std::string(101, ']'));
  REQUIRE_FALSE(deep);
  CHECK(deep.error().code == core::errc::limit_exceeded);
  CHECK(read_json(std::string(5'000'000, '[')).error().code == core::errc::limit_exceeded);
  CHECK(read_json(R"(["[[[[\"[[[["])"));
}

TEST_CASE("foreign JSON loses nothing: what could not be kept is refused") {
  CHECK(
      read_json("[18446744073709551615, -9223372036854775808, 1.5, 1e30, 12345678901234567890e3]"));
  for (const char* number :
       {"18446744073709551616", "-9223372036854775809", "99999999999999999999"}) {
    CAPTURE(number);
    CHECK_THAT(read_json("{\"x\": " + std::string(number) + "}").error().message,
               Contains("64 bits"));
  }
  CHECK_THAT(read_json(R"({"a": {"b": 1, "c": [{"b": 1}], "b": 2}})").error().message,
             Contains("'b' stands twice"));
  CHECK(read_json(R"({"a": {"b": 1}, "b": 1, "c": [{"b": 1}, {"b": 1}]})"));
}

TEST_CASE("what is no JSON is refused") {
  for (const char* text : {"", "{", "nul", "[1,]", "\"\xff\"", "1 2", "[1e999]"}) {
    CAPTURE(text);
    CHECK(read_json(text).error().code == core::errc::malformed);
  }
}

TEST_CASE("an assistant is greeted in the protocol that both speak") {
  lone_desk lone;
  const auto greet = [&](const std::string& version) {
    return lone.say(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":")"
                    + version
                    + R"(","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})")["result"];
  };
  CHECK(greet("2024-11-05")["protocolVersion"] == "2024-11-05");
  CHECK(greet("2099-01-01")["protocolVersion"] == "2025-06-18");
  CHECK(greet("2025-06-18")["serverInfo"]["name"] == "maze");
  CHECK_THAT(greet("2025-06-18")["instructions"].get<std::string>(), Contains("submit_task"));
  lone_desk looks(true);
  CHECK_THAT(
      looks.say(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})")["result"]["instructions"]
          .get<std::string>(),
      !Contains("submit_task"));
  CHECK_FALSE(answer_mcp(lone.desk, R"({"jsonrpc":"2.0","method":"notifications/initialized"})"));
  CHECK_FALSE(answer_mcp(lone.desk, R"({"jsonrpc":"2.0","id":7,"result":{}})"));
  CHECK(lone.say(R"({"jsonrpc":"2.0","id":"x","method":"ping"})")
        == nlohmann::json{{"jsonrpc", "2.0"}, {"id", "x"}, {"result", nlohmann::json::object()}});
}

TEST_CASE("an assistant is offered each operation as a tool, and only what it may use") {
  const auto list = [](lone_desk& lone) {
    return lone.say(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")["result"]["tools"];
  };
  lone_desk all;
  lone_desk reads(true);
  lone_desk own(false, true);
  CHECK(list(all).size() == operations().size());
  for (const auto& tool : list(reads))
    CHECK(tool["annotations"]["readOnlyHint"] == true);
  const auto properties = [&](lone_desk& lone, const std::string& name) {
    for (const auto& tool : list(lone))
      if (tool["name"] == name)
        return tool["inputSchema"]["properties"];
    return nlohmann::json();
  };
  CHECK(properties(all, "submit_workflow").size() == 2);
  CHECK(properties(own, "submit_workflow").contains("file"));
  CHECK(properties(all, "read_file").contains("path"));
  CHECK(properties(all, "list_runs")["count"]["type"] == "integer");
  CHECK(properties(all, "list_runs")["count"]["maximum"] == 1000);
  CHECK(properties(all, "read_log")["stream"]["enum"] == nlohmann::json{"stdout", "stderr"});
}

TEST_CASE("what a tool refuses is a result that says so; what is no call of a tool is an error") {
  lone_desk lone;
  const auto call = [&](const std::string& params) {
    return lone.say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)" + params + "}");
  };
  const auto refused_call = call(R"({"name":"get_node","arguments":{}})");
  CHECK(refused_call["result"]["isError"] == true);
  CHECK_THAT(refused_call["result"]["content"][0]["text"].get<std::string>(),
             Contains("'node' is missing"));
  const auto done = call(R"({"name":"get_config"})");
  CHECK(done["result"]["isError"] == false);
  CHECK(done["result"]["structuredContent"].is_object());
  CHECK(call(R"({"name":"no_such"})")["error"]["code"] == -32602);
  CHECK(call(R"({})")["error"]["code"] == -32602);
  CHECK(call(R"([])")["error"]["code"] == -32602);
  CHECK(call(R"({"name":"get_config","arguments":[]})")["result"]["isError"] == true);
  lone_desk reads(true);
  CHECK(
      reads.say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drain_node"}})")
          ["error"]["code"]
      == -32602);
}

TEST_CASE("several messages at once get their answers at once") {
  lone_desk lone;
  const auto told = lone.say(
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":2,"method":"no"}])");
  REQUIRE(told.size() == 2);
  CHECK(told[0]["id"] == 1);
  CHECK(told[1]["error"]["code"] == -32601);
  CHECK_FALSE(answer_mcp(lone.desk, R"([{"jsonrpc":"2.0","method":"notifications/x"}])"));
  std::string many = "[1";
  for (int i = 0; i < 100; ++i)
    many += ",1";
  CHECK_THAT(lone.say(many + "]")["error"]["message"].get<std::string>(), Contains("101 messages"));
}

TEST_CASE("a tool takes nothing that it does not offer") {
  lone_desk lone;
  const auto call = [&](const std::string& argument) {
    return lone.say(
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"validate_workflow","arguments":{")"
        + argument + R"(":"x"}}})")["error"]["code"];
  };
  CHECK(call("archive") == -32602);
  CHECK(call("file") == -32602);
}

TEST_CASE("what is no message of the protocol gets the error that the protocol has for it") {
  lone_desk lone;
  CHECK(lone.say("hello")["error"]["code"] == -32700);
  CHECK(lone.say(std::string(1'000'000, '['))["error"]["code"] == -32700);
  CHECK(lone.say("[]")["error"]["code"] == -32600);
  CHECK(lone.say("[1]")[0]["error"]["code"] == -32600);
  CHECK(lone.say("{}")["error"]["code"] == -32600);
  CHECK(lone.say(R"({"jsonrpc":"1.0","id":1,"method":"ping"})")["error"]["code"] == -32600);
  CHECK(lone.say(R"({"jsonrpc":"2.0","id":null,"method":"ping"})")["error"]["code"] == -32600);
  CHECK(lone.say(R"({"jsonrpc":"2.0","id":{},"method":"ping"})")["error"]["code"] == -32600);
  CHECK(lone.say(R"({"jsonrpc":"2.0","id":1,"method":7})")["error"]["code"] == -32600);
  CHECK(lone.say(R"({"jsonrpc":"2.0","id":1,"method":"no/such"})")["error"]["code"] == -32601);
}

TEST_CASE("the page is for anybody and all else for who bears the token") {
  lone_desk lone;
  const std::string token(64, 'a');
  const auto web = web_handlers(lone.desk, token);
  const auto asked = [&](std::string method, const std::string& target, bool bears) {
    io::http_request out{.method = std::move(method),
                         .target = io::parse_target(target).value(),
                         .headers = {{"host", "127.0.0.1:7420"}}};
    if (bears)
      out.headers["authorization"] = "Bearer " + token;
    return out;
  };
  const auto admitted = web.admit(asked("GET", "/", false));
  REQUIRE(admitted.has_value());
  CHECK(*admitted == 0);
  for (const char* place : {"/api/v1/status", "/api/v1", "/mcp", "/elsewhere"}) {
    CHECK(web.admit(asked("POST", place, false)).error().status == 401);
    CHECK(web.admit(asked("POST", place, true)).has_value());
  }
  const auto page = web.answer(asked("GET", "/", false));
  CHECK_THAT(page.body, Contains("<!doctype html>", Catch::CaseSensitive::No));
  CHECK_THAT(page.body, !Contains("http://") || !Contains("src="));
  CHECK(web.answer(asked("POST", "/", false)).status == 405);
  CHECK(web.answer(asked("GET", "/mcp", true)).status == 405);
  CHECK(web.answer(asked("GET", "/elsewhere", true)).status == 404);
  auto note = asked("POST", "/mcp", true);
  note.body = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
  CHECK(web.answer(note).status == 202);
}
