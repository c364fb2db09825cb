// Attempts of tasks that are functions, through a worker with real children.

#include "maze/actors/worker.hpp"
#include "support/function_tasks.hpp"
#include "support/needs.hpp"
#include "support/worker_fixture.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using core::errc;

namespace {

struct function_worker : test::worker_fixture {
  void start(core::task_spec spec, core::context_map context = {}, core::file_map base = {}) {
    const core::library_refs libraries{{"plain", test::put_library(*blobs, "plain")},
                                       {"hostile", test::put_library(*blobs, "hostile")}};
    worker_fixture::start(std::move(spec), std::move(context), std::move(base), libraries);
  }
  core::value returned(std::uint64_t counter = 1) {
    order(counter);
    const auto seen = wait();
    if (seen.lost)
      FAIL(core::describe(seen.lost->reason) << '\n' << seen.lost->reason.evidence);
    return core::decode(seen.published->output)->as<core::dict>()->at("r");
  }
  core::error failed(std::uint64_t counter = 1) {
    order(counter);
    const auto seen = wait();
    REQUIRE(seen.lost);
    return seen.lost->reason;
  }
};

} // namespace

TEST_CASE_METHOD(function_worker, "a function of a library is called in its own child each time",
                 "[actors][worker]") {
  start(test::calling("plain", "add", {{"a", 1}, {"b", 2}}));
  CHECK(returned(1) == core::value(3));
  CHECK(returned(2) == core::value(3));
}

TEST_CASE_METHOD(function_worker, "a Python function takes values of other tasks and keeps nothing",
                 "[actors][worker]") {
  auto spec = test::calling_code("seen = []\ndef f(x):\n  seen.append(x)\n  return seen\n");
  spec.parameters = {{.name = "x"}};
  spec.inputs["x"] = {core::parse_reference("before.output.run").value()};
  start(spec);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    order(i, {{"before", test::output_of("value")}});
    const auto seen = wait();
    REQUIRE(seen.published);
    CHECK(core::decode(seen.published->output)->as<core::dict>()->at("r")
          == core::value(core::list{"value"}));
  }
}

TEST_CASE_METHOD(function_worker, "a function sees the run's files and publishes its own",
                 "[actors][worker]") {
  const auto blob = blobs->put_bytes("snapshot\n").value();
  start(test::calling_code("def f():\n  with open('made.txt', 'w') as out:\n    out.write('made')\n"
                           "  return open('in.txt').read()\n"),
        {}, {{"in.txt", {.hash = blob.hash, .size = blob.size}}});
  order();
  const auto seen = wait();
  REQUIRE(seen.published);
  CHECK(core::decode(seen.published->output)->as<core::dict>()->at("r")
        == core::value("snapshot\n"));
  REQUIRE(seen.published->files.written.size() == 1);
  CHECK(test::read_file(blobs->path_of(seen.published->files.written.at("made.txt").hash))
        == "made");
}

TEST_CASE_METHOD(function_worker, "a crash of a function is the end of its attempt alone",
                 "[actors][worker]") {
  start(test::calling("hostile", "fault"));
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const auto why = failed(i);
    CHECK(why.code == errc::signalled);
    CHECK(why.signal == SIGSEGV);
  }
}

TEST_CASE_METHOD(function_worker, "what a function prints is kept in its logs",
                 "[actors][worker]") {
  start(test::calling("plain", "print", {{"text", "hello"}}));
  CHECK(returned() == core::value("hello"));
  CHECK(log_of("f.1.out") == "helloMZC1\n");
  CHECK(log_of("f.1.err") == "hello");
}

TEST_CASE_METHOD(function_worker, "a secret in an exception or print of a function is hidden",
                 "[actors][worker]") {
  services->log->secrets().hide("tulip-4711");
  start(test::calling_code("def f(key):\n  print('got', key)\n  raise ValueError('bad ' + key)\n",
                           {{"key", "tulip-4711"}}));
  const auto why = failed();
  CHECK(why.message == "ValueError: bad [secret]");
  CHECK_THAT(why.evidence, Contains("[secret]") && !Contains("tulip"));
  CHECK(log_of("f.1.out") == "got [secret]\n");
}

TEST_CASE_METHOD(function_worker, "a function whose library the run lacks fails before it starts",
                 "[actors][worker]") {
  start(test::calling("plot", "draw"));
  CHECK(failed().code == errc::untrusted_function);
}

TEST_CASE_METHOD(function_worker, "functions run as the users of their slot", "[actors][worker]") {
  MAZE_NEEDS(::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root"));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
  auto changed = *services;
  changed.first_user = 1'900'000'000;
  services = std::make_shared<const worker_services>(std::move(changed));
  SECTION("in Python") {
    start(test::calling_code("import os\ndef f(): return os.getuid()\n"));
    CHECK(returned() == core::value(1'900'000'006));
  }
  SECTION("from a library, whose content they cannot find in the store") {
    start(test::calling("plain", "add", {{"a", 1}}));
    CHECK(returned() == core::value(11));
  }
}
