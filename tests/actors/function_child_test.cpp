#include "maze/actors/function_child.hpp"

#include "maze/core/call_frames.hpp"
#include "maze/core/codec.hpp"
#include "maze/io/memory_file.hpp"
#include "support/function_tasks.hpp"
#include "support/launcher_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using core::errc;

namespace {

/// Calls functions in real children, one each.
struct function_child_fixture : test::launcher_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  host_programs programs = host_programs::beside(MAZE_BIN_DIR "/maze-init");
  core::library_refs libraries{{"plain", test::put_library(*blobs, "plain")},
                               {"hostile", test::put_library(*blobs, "hostile")}};

  const io::trusted_code* trusted = nullptr;

  core::result<std::string> outcome(const core::task_spec& spec) {
    const auto call = core::resolve_call(spec, {}, {}).value();
    auto made = start_single_call(spec, call, libraries, *blobs, programs, trusted);
    if (!made)
      return core::fail(made.error());
    sandbox::launch_request request;
    request.argv = std::move(made->start.argv);
    request.inherited = std::move(made->start.inherited);
    request.environment = {"PATH=/usr/bin:/bin"};
    request.working_directory = folder.path();
    request.sandbox = spec.sandbox;
    return function_outcome(spec, run(std::move(request)), *made->reply);
  }
  /// What the function returned.
  core::value returned(const core::task_spec& spec) {
    const auto out = outcome(spec);
    if (!out)
      FAIL(core::describe(out.error()));
    return core::decode(*out)->as<core::dict>()->at("r");
  }
  core::error failed(const core::task_spec& spec) {
    auto out = outcome(spec);
    REQUIRE_FALSE(out);
    return std::move(out.error());
  }
};

/// A report of a child that ended with status 0.
sandbox::exit_report ended_well() {
  sandbox::exit_report out;
  out.exit_code = 0;
  return out;
}

core::result<std::string> outcome_of_bytes(std::string_view reply) {
  const auto file = io::make_memory_file("reply").value();
  REQUIRE(io::write_all(file.get(), reply));
  return function_outcome(test::calling("plain", "add"), ended_well(), file);
}

core::error refused_bytes(std::string_view reply) {
  auto out = outcome_of_bytes(reply);
  REQUIRE_FALSE(out);
  return std::move(out.error());
}

std::string reply_of(core::call_outcome outcome, std::string_view payload) {
  return core::call_message(core::call_kind::replies, 0, static_cast<std::uint32_t>(outcome),
                            payload);
}

} // namespace

TEST_CASE_METHOD(function_child_fixture, "functions of both languages are called in a child",
                 "[actors][function_child]") {
  CHECK(returned(test::calling("plain", "add", {{"a", 2}})) == core::value(12));
  CHECK(returned(test::calling("plain", "count", {{"text", "a b a"}, {"least", 2}}))
        == core::value(core::dict{{"a", 2}}));
  CHECK(returned(test::calling_code("def twice(n): return 2 * n", {{"n", 21}})) == core::value(42));
  std::filesystem::create_directory(folder / "src");
  test::write(folder / "src/plot.py", "def draw(n):\n  return n\ndef other(n):\n  return -n\n");
  auto spec = test::calling(core::python_action{core::python_source::file, "src/plot.py", "other"},
                            {{"n", 3}});
  CHECK(returned(spec) == core::value(-3));
}

TEST_CASE_METHOD(function_child_fixture, "what a function throws has its type, message and place",
                 "[actors][function_child]") {
  const auto thrown = failed(test::calling("plain", "fail", {{"why", "no such word"}}));
  CHECK(thrown.code == errc::user_exception);
  CHECK(thrown.message == "std::out_of_range: no such word");
  CHECK(thrown.origin == "plain.fail");
  const auto raised = failed(test::calling_code("def f(n):\n  return 1 / n\n", {{"n", 0}}));
  CHECK(raised.code == errc::user_exception);
  CHECK(raised.message == "ZeroDivisionError: division by zero");
  CHECK(raised.origin == "f");
  CHECK_THAT(raised.evidence, Contains("return 1 / n") && !Contains("maze_runner"));
}

TEST_CASE_METHOD(function_child_fixture, "a function that takes its process along says how",
                 "[actors][function_child]") {
  const auto signalled = [&](const core::task_spec& spec, int number) {
    const auto why = failed(spec);
    // No fault of a function ends its process like this: it may be tried again.
    CHECK(why.code == (number == SIGKILL ? errc::worker_crash : errc::signalled));
    CHECK(why.signal == number);
    CHECK_THAT(why.message, Contains("the function was killed by signal"));
  };
  signalled(test::calling("hostile", "fault"), SIGSEGV);
  signalled(test::calling("hostile", "overrun"), SIGSEGV);
  signalled(test::calling("hostile", "give_up"), SIGABRT);
  signalled(test::calling("hostile", "unexpected"), SIGABRT);
  signalled(test::calling("hostile", "raise_signal", {{"number", SIGKILL}}), SIGKILL);
  signalled(test::calling_code("import os\ndef f(): os.abort()"), SIGABRT);
  const auto left = [&](const core::task_spec& spec, int status) {
    const auto why = failed(spec);
    CHECK(why.code == errc::exit_nonzero);
    CHECK(why.exit_code == status);
    CHECK_THAT(why.message, Contains("exit status " + std::to_string(status)));
  };
  left(test::calling("hostile", "leave", {{"status", 7}}), 7);
  left(test::calling("hostile", "leave_at_once", {{"status", 8}}), 8);
  // Even 0 is no result.
  left(test::calling("hostile", "leave", {{"status", 0}}), 0);
  left(test::calling_code("import sys\ndef f(): sys.exit(9)"), 9);
  left(test::calling_code("import os\ndef f(): os._exit(0)"), 0);
}

TEST_CASE_METHOD(function_child_fixture,
                 "a function that disturbs descriptors harms its own result alone",
                 "[actors][function_child]") {
  CHECK(failed(test::calling("hostile", "garbage")).code == errc::invalid_payload);
  const auto closed = failed(test::calling("hostile", "close_all"));
  CHECK(closed.code == errc::exit_nonzero);
  CHECK_THAT(closed.message, Contains("status 70") && Contains("closed descriptors"));
  CHECK(returned(test::calling("hostile", "copy")) == core::value(true));
  CHECK(returned(test::calling("plain", "print", {{"text", "x"}})) == core::value("x"));
  CHECK(returned(test::calling("hostile", "good", {{"x", 1}})) == core::value(1));
}

TEST_CASE_METHOD(function_child_fixture, "a result has a limit, and a declared type",
                 "[actors][function_child]") {
  CHECK(returned(test::calling("plain", "large", {{"size", 31 << 20}})).as<core::bytes>()->size()
        == std::size_t{31} << 20);
  CHECK(failed(test::calling("plain", "large", {{"size", 100 << 20}})).code
        == errc::limit_exceeded);
  CHECK(failed(test::calling_code("def f(): return bytes(100 << 20)")).code
        == errc::limit_exceeded);
  auto typed = test::calling("plain", "add", {{"a", 1}});
  typed.output.keys[0].type = "string";
  CHECK(failed(typed).code == errc::invalid_payload);
  CHECK(failed(test::calling_code("def f(): return {1, 2}")).code == errc::invalid_payload);
}

TEST_CASE_METHOD(function_child_fixture, "a function that takes too long is ended",
                 "[actors][function_child]") {
  auto slow = test::calling_code("import signal\ndef f(): signal.pause()");
  slow.sandbox.wall_time = std::chrono::milliseconds(300);
  const auto why = failed(slow);
  CHECK(why.code == errc::timeout_wall);
  CHECK(why.message == "the function ran longer than its timeout of 300ms");
}

TEST_CASE_METHOD(function_child_fixture, "a library that the run or the node lacks is named",
                 "[actors][function_child]") {
  const auto unknown = failed(test::calling("plot", "draw"));
  CHECK(unknown.code == errc::untrusted_function);
  CHECK_THAT(unknown.message, Contains("'plot'"));
  libraries["plot"] = {{1, 2}, 3};
  const auto lost = failed(test::calling("plot", "draw"));
  CHECK(lost.code == errc::object_lost);
  CHECK_THAT(lost.message, Contains("'plot'"));
}

TEST_CASE_METHOD(function_child_fixture, "a function that the library does not have is refused",
                 "[actors][function_child]") {
  CHECK(failed(test::calling("plain", "subtract")).code == errc::untrusted_function);
}

TEST_CASE_METHOD(function_child_fixture, "arguments that are too deep name the one to blame",
                 "[actors][function_child]") {
  core::value deep;
  for (int i = 0; i < 70; ++i)
    deep = core::list{std::move(deep)};
  const auto why = failed(test::calling("plain", "echo", {{"x", std::move(deep)}}));
  CHECK(why.code == errc::limit_exceeded);
  CHECK_THAT(why.message, Contains("'x'"));
}

TEST_CASE("what a child left as its reply is not believed", "[actors][function_child]") {
  using core::call_outcome;
  const std::string seven = core::encode(7).value();
  CHECK(outcome_of_bytes(reply_of(call_outcome::returned, seven)));
  CHECK(refused_bytes("").code == errc::exit_nonzero);
  for (const std::string& wrong :
       {std::string("nonsense"), reply_of(call_outcome::returned, seven) + "x",
        reply_of(call_outcome::returned, seven).substr(0, 30),
        reply_of(call_outcome::failed, "no error"),
        core::call_message(core::call_kind::replies, 0, 7, seven),
        core::call_message(core::call_kind::calls, 0, 0, seven),
        core::call_message(core::call_kind::refused, 0, 0, "no error")})
    CHECK(refused_bytes(wrong).code == errc::invalid_payload);
  CHECK(refused_bytes(reply_of(call_outcome::returned, "no value")).code == errc::invalid_payload);
  const core::error why{.code = errc::unsupported_operation, .message = "another interface"};
  CHECK(refused_bytes(core::call_message(core::call_kind::refused, 0, 0, core::to_binary(why)))
        == why);
  CHECK(refused_bytes(reply_of(call_outcome::failed, core::to_binary(why))) == why);
}

TEST_CASE("an error that only a node can know is not believed of a child",
          "[actors][function_child]") {
  for (const auto code :
       {errc::none, errc::cancelled, errc::node_lost, errc::timeout_wall, static_cast<errc>(250)}) {
    const core::error odd{.code = code, .message = "odd"};
    CHECK(refused_bytes(reply_of(core::call_outcome::failed, core::to_binary(odd))).code
          == errc::invalid_payload);
    CHECK(refusal_of(core::call_message(core::call_kind::refused, 0, 0, core::to_binary(odd))).code
          == errc::worker_crash);
  }
}

TEST_CASE_METHOD(function_child_fixture, "no child gets code that its node does not trust",
                 "[actors][function_child]") {
  const auto nothing = io::trusted_code::read({}).value();
  CHECK(returned(test::calling("plain", "add", {{"a", 1}, {"b", 2}})) == core::value(3));
  trusted = &nothing;
  CHECK(failed(test::calling("plain", "add", {{"a", 1}, {"b", 2}})).code
        == errc::untrusted_function);
  CHECK(returned(test::calling_code("def f(): return 4")) == core::value(4));
  core::call_plan plan;
  plan.functions = {{"sum", core::function_action{"plain", "add"}}};
  CHECK(start_warm_host(plan, libraries, *blobs, programs, trusted, {}, {}).error().code
        == errc::untrusted_function);
}

TEST_CASE_METHOD(function_child_fixture, "one warm child has every library of its plan once",
                 "[actors][function_child]") {
  core::call_plan plan;
  plan.functions = {{"a", core::function_action{"hostile", "good"}},
                    {"b", core::function_action{"plain", "add"}},
                    {"c", core::function_action{"hostile", "copy"}}};
  const auto page = std::make_shared<const io::unique_fd>();
  const auto made = start_warm_host(plan, libraries, *blobs, programs, trusted, {}, page);
  REQUIRE(made);
  CHECK(made->inherited.size() == 4);
  CHECK(made->inherited[1] == page);
  CHECK(made->argv
        == std::vector<std::string>{programs.libraries, "--library", "/proc/self/fd/5", "--library",
                                    "/proc/self/fd/6", "--result-max",
                                    std::to_string(function_result_max)});
  const auto defined = define_functions(plan).value();
  std::vector<core::value> payloads;
  core::call_message_view::of(defined)->for_each(
      [&](const core::call_entry& entry, std::string_view payload) {
        CHECK(entry.word == payloads.size());
        payloads.push_back(core::decode(payload).value());
      });
  CHECK(payloads
        == std::vector<core::value>{core::dict{{"library", 0}, {"function", "good"}},
                                    core::dict{{"library", 1}, {"function", "add"}},
                                    core::dict{{"library", 0}, {"function", "copy"}}});
}

TEST_CASE_METHOD(function_child_fixture, "a warm child of Python functions loads no library",
                 "[actors][function_child]") {
  core::call_plan plan;
  plan.functions = {{"a", core::python_action{core::python_source::code, "def f(): pass", "f"}}};
  const auto made = start_warm_host(plan, libraries, *blobs, programs, trusted, {}, {});
  REQUIRE(made);
  CHECK(made->inherited.size() == 2);
  CHECK(made->argv.front() == programs.python);
  plan.sandbox.imports = std::vector<std::string>{"json", "math"};
  const auto defined = define_functions(plan).value();
  core::call_message_view::of(defined)->for_each(
      [](const core::call_entry&, std::string_view payload) {
        const auto told = core::decode(payload).value();
        CHECK(told.as<core::dict>()->at("imports") == core::value("json,math"));
      });
  plan.functions.clear();
  for (int i = 0; i < 15; ++i) {
    const std::string name = "l" + std::to_string(i);
    libraries[name] = libraries["plain"];
    plan.functions.push_back({name, core::function_action{name, "add"}});
  }
  const auto refused = start_warm_host(plan, libraries, *blobs, programs, trusted, {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
}
