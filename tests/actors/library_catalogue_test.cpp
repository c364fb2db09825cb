#include "maze/actors/library_catalogue.hpp"

#include "maze/actors/reactor.hpp"
#include "maze/io/hash.hpp"
#include "support/function_tasks.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using core::errc;

namespace {

/// A catalogue whose hosts say each time that they start.
struct catalogue_fixture {
  test::scratch_dir folder;
  reactor events;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  library_catalogue sut{
      sandbox::launcher::start(events.context(), {.executable = MAZE_BIN_DIR "/maze-init"}).value(),
      blobs, settings()};

  library_catalogue::options settings() {
    const auto init = std::filesystem::path(MAZE_BIN_DIR "/maze-init");
    auto programs = host_programs::beside(init);
    const auto noisy = folder / "host";
    std::ofstream(noisy) << "#!/bin/sh\necho x >> " << (folder / "starts").native() << "\nexec "
                         << programs.libraries.native() << " \"$@\"\n";
    std::filesystem::permissions(noisy, std::filesystem::perms(0755));
    programs.libraries = noisy;
    return {.programs = programs, .user = std::nullopt, .patience = std::chrono::seconds(1)};
  }
  std::size_t starts() {
    const std::string lines = test::read_file(folder / "starts");
    return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
  core::error refused(const std::string& name) {
    const auto described = sut.describe(name, test::put_library(*blobs, name).hash);
    REQUIRE_FALSE(described);
    CHECK_THAT(described.error().message,
               Contains("library '" + name + "' cannot be used") && !Contains("/proc"));
    CHECK(described.error().origin == "library:" + name);
    return described.error();
  }
  core::error refused_bytes(const std::string& content) {
    const auto described = sut.describe("odd", blobs->put_bytes(content)->hash);
    REQUIRE_FALSE(described);
    return described.error();
  }
  /// Whatever a library did, others are read.
  void check_usable() {
    const auto described = sut.describe("plain", test::put_library(*blobs, "plain").hash);
    REQUIRE(described);
    CHECK((*described)->name == "plain");
    CHECK((*described)->version == "1.2");
    CHECK((*described)->find("add") != nullptr);
  }
};

} // namespace

TEST_CASE_METHOD(catalogue_fixture, "a library is read once, whoever asks by whatever name",
                 "[actors][library_catalogue]") {
  const auto hash = test::put_library(*blobs, "plain").hash;
  const auto first = sut.describe("plain", hash);
  REQUIRE(first);
  CHECK((*first)->find("count")->parameters.size() == 2);
  CHECK(starts() == 1);
  CHECK(sut.describe("text", hash).value() == *first);
  CHECK(starts() == 1);
  REQUIRE(sut.describe("hostile", test::put_library(*blobs, "hostile").hash));
  CHECK(starts() == 2);
}

TEST_CASE_METHOD(catalogue_fixture, "a Python file says what its functions take",
                 "[actors][library_catalogue]") {
  const auto file = folder / "app.py";
  std::ofstream(folder / "near.py") << "def helper(): pass\n";
  std::ofstream(file) << R"(
from maze import task
from near import helper
print("noise")

@task(name="parse", description="Reads.", input_parameters={"path": "filepath"},
      resources={"cpu_num": 2, "mem": "1GiB"})
def parse_it(path, limit: int = 10, *, separator: str = None, other=object()) -> dict:
    return {}

def plain(x: list[int], y: "str" = "é", *more, **rest) -> bytes:
    """Says more."""

def _hidden(): pass
number = 7
)";
  const auto described = sut.describe_python(file);
  REQUIRE(described);
  CHECK(described->name == "app");
  REQUIRE(described->functions.size() == 2);
  const core::function_signature& parse = described->functions[0];
  CHECK(parse.name == "parse");
  CHECK(parse.description == "Reads.");
  CHECK(parse.parameters
        == std::vector<core::parameter>{{"path", "path", std::nullopt},
                                        {"limit", "int", core::value(10)},
                                        {"separator", "any", core::value(nullptr)},
                                        {"other", "any", core::value(nullptr)}});
  CHECK(parse.result == "dict");
  CHECK(parse.needs == core::resources{2000, core::byte_count{1 << 30}, 0});
  const core::function_signature& plain = described->functions[1];
  CHECK(plain.name == "plain");
  CHECK(plain.description == "Says more.");
  CHECK(plain.parameters
        == std::vector<core::parameter>{{"x", "list", std::nullopt},
                                        {"y", "string", core::value("é")}});
  CHECK(plain.result == "bytes");
  CHECK_FALSE(plain.needs);
  CHECK(plain.about.empty());
}

TEST_CASE_METHOD(catalogue_fixture, "what else the author of a Python task says is kept for people",
                 "[actors][library_catalogue]") {
  const auto file = folder / "app.py";
  std::ofstream(file)
      << "from maze import task\n"
         "@task(resources={'type': 'gpu', 'cpu_num': 2, 'mem': 512, 'gpu_mem': 8000,\n"
         "                 'model_name': 'bert', 'backend': None})\n"
         "def predict(x): return x\n"
         "@task(resources={'cpus': 'lots', 'memory': float('nan'), 'gpus': -1})\n"
         "def wrong(x): return x\n";
  const auto described = sut.describe_python(file);
  REQUIRE(described);
  const core::function_signature& predict = described->functions.at(0);
  CHECK(predict.needs == core::resources{2000, core::byte_count{512'000'000}, 1});
  CHECK(predict.about
        == std::map<std::string, std::string>{
            {"gpu_mem", "8000"}, {"model_name", "bert"}, {"type", "gpu"}});
  const core::function_signature& wrong = described->functions.at(1);
  CHECK(wrong.needs == core::resources{1000, core::byte_count{}, 0});
  CHECK(wrong.about
        == std::map<std::string, std::string>{{"cpus", "lots"}, {"gpus", "-1"}, {"memory", "nan"}});
}

TEST_CASE_METHOD(catalogue_fixture, "a Python file that is broken says where",
                 "[actors][library_catalogue]") {
  const auto broken = [&](const std::string& code) {
    std::ofstream(folder / "app.py") << code;
    const auto described = sut.describe_python(folder / "app.py");
    REQUIRE_FALSE(described);
    CHECK(described.error().code == errc::invalid_payload);
    return described.error().message;
  };
  CHECK_THAT(broken("def f(:\n"), Contains("app.py") && Contains("SyntaxError"));
  CHECK_THAT(broken("raise ValueError('no')\n"), Contains("ValueError: no"));
  CHECK_THAT(broken("import sys; sys.exit(3)\n"), Contains("exit status 3"));
  CHECK_THAT(broken("import threading; threading.Event().wait()\n"), Contains("timeout of 1s"));
}

TEST_CASE_METHOD(catalogue_fixture, "libraries of a run are read side by side",
                 "[actors][library_catalogue]") {
  core::library_refs refs;
  const auto blob = test::put_library(*blobs, "at_load_block");
  // Different contents, or one reading would do for all.
  const std::string content = test::read_file(blobs->path_of(blob.hash));
  for (int i = 0; i < 6; ++i) {
    const auto own = blobs->put_bytes(content + std::string(static_cast<std::size_t>(i), '\0'));
    refs[fmt::format("lib{}", i)] = {own->hash, own->size};
  }
  std::vector<core::task_spec> none;
  const auto settled = sut.settle(none, refs, {});
  REQUIRE_FALSE(settled);
  CHECK_THAT(settled.error().message, Contains("library 'lib0'"));
  // One after the other the first would have been the last.
  CHECK(starts() == 6);
}

TEST_CASE_METHOD(catalogue_fixture, "a library that ends its child as it is loaded says how",
                 "[actors][library_catalogue]") {
  const auto crash = refused("at_load_crash");
  CHECK(crash.code == errc::invalid_payload);
  CHECK(crash.signal == SIGSEGV);
  CHECK_THAT(crash.message, Contains("the child that loaded it was killed by signal 11"));
  CHECK(crash.evidence == "about to crash\n");
  const auto thrown = refused("at_load_throw");
  CHECK(thrown.code == errc::invalid_payload);
  CHECK(thrown.signal == SIGABRT);
  CHECK_THAT(thrown.evidence, Contains("terminate called"));
  const auto left = refused("at_load_exit");
  CHECK(left.code == errc::invalid_payload);
  CHECK(left.exit_code == 9);
  CHECK_THAT(left.message, Contains("exit status 9"));
  check_usable();
}

TEST_CASE_METHOD(catalogue_fixture, "a library that stands still as it is loaded is given up",
                 "[actors][library_catalogue]") {
  const auto why = refused("at_load_block");
  CHECK(why.code == errc::invalid_payload);
  CHECK_THAT(why.message, Contains("ran longer than its timeout of 1s"));
  check_usable();
}

TEST_CASE_METHOD(catalogue_fixture,
                 "a library that forks as it is loaded is read by one of the two",
                 "[actors][library_catalogue]") {
  const auto described = sut.describe("fork", test::put_library(*blobs, "at_load_fork").hash);
  REQUIRE(described);
  CHECK((*described)->find("loaded") != nullptr);
  check_usable();
}

TEST_CASE_METHOD(catalogue_fixture,
                 "a library of another interface is told from one that is broken",
                 "[actors][library_catalogue]") {
  const auto version = refused("lying_version");
  CHECK(version.code == errc::unsupported_operation);
  CHECK_THAT(version.message, Contains("version 99") && Contains("build it again"));
  CHECK(refused("lying_magic").code == errc::unsupported_operation);
  CHECK(refused("lying_count").code == errc::invalid_payload);
  const auto fault = refused("lying_fault");
  CHECK(fault.code == errc::invalid_payload);
  CHECK_THAT(fault.message, Contains("something is wrong"));
  const auto unresolved = refused("unresolved");
  CHECK(unresolved.code == errc::invalid_payload);
  CHECK_THAT(unresolved.message, Contains("maze_test_nobody_defines_this"));
  check_usable();
}

TEST_CASE_METHOD(catalogue_fixture, "what is no library at all is refused",
                 "[actors][library_catalogue]") {
  CHECK(refused_bytes("machine code").code == errc::invalid_payload);
  CHECK(refused_bytes(std::string(100'000, '\0')).code == errc::invalid_payload);
  // Whole, but for its end.
  const auto plain = test::read_file(test::task_library("plain"));
  CHECK(refused_bytes(plain.substr(0, 5000)).code == errc::invalid_payload);
  // A shared object, but not of tasks.
  const auto other = refused_bytes(test::read_file("/lib/x86_64-linux-gnu/libm.so.6"));
  CHECK(other.code == errc::unsupported_operation);
  CHECK_THAT(other.message, Contains("maze_add_task_library"));
  check_usable();
}

TEST_CASE_METHOD(catalogue_fixture, "a library that was refused is read again when it is asked for",
                 "[actors][library_catalogue]") {
  CHECK(refused("lying_version").code == errc::unsupported_operation);
  CHECK(refused("lying_version").code == errc::unsupported_operation);
  CHECK(starts() == 2);
}

TEST_CASE_METHOD(catalogue_fixture, "a library whose content is not there is asked for by its name",
                 "[actors][library_catalogue]") {
  const auto lost = sut.describe("plot", {1, 2});
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == errc::object_lost);
  CHECK_THAT(lost.error().message, Contains("'plot'") && Contains("send its blob first"));
  CHECK(starts() == 0);
}

TEST_CASE_METHOD(catalogue_fixture,
                 "the tasks of a run are judged and completed by their libraries",
                 "[actors][library_catalogue]") {
  const core::library_refs libraries{{"plain", test::put_library(*blobs, "plain")}};
  std::vector<core::task_spec> tasks{test::calling("plain", "add", {{"a", 1}})};
  REQUIRE(sut.settle(tasks, libraries, {}));
  REQUIRE(tasks[0].parameters.size() == 2);
  CHECK(tasks[0].parameters[0] == core::parameter{.name = "a", .type = "int"});
  CHECK(tasks[0].parameters[1] == core::parameter{"b", "int", core::value(10)});
  tasks = {test::calling("plain", "ad", {{"a", 1}})};
  const auto unknown = sut.settle(tasks, libraries, {});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::untrusted_function);
  CHECK_THAT(unknown.error().message, Contains("'ad'") && Contains("add"));
  tasks = {test::calling("text", "add", {{"a", 1}})};
  CHECK(sut.settle(tasks, libraries, {}).error().code == errc::untrusted_function);
  tasks = {test::calling("plain", "add", {{"a", 1}})};
  CHECK(sut.settle(tasks, {{"plain", test::put_library(*blobs, "at_load_crash")}}, {}).error().code
        == errc::invalid_payload);
}

TEST_CASE_METHOD(catalogue_fixture, "a library that nobody vouches for is refused unread",
                 "[actors][library_catalogue]") {
  const core::library_refs libraries{{"plain", test::put_library(*blobs, "plain")}};
  auto careful = settings();
  const std::string sum = io::hex(blobs->sha256_of(libraries.at("plain").hash).value());
  const auto judged = [&](const std::vector<std::string>& trusted) {
    careful.trusted =
        std::make_shared<const io::trusted_code>(io::trusted_code::read(trusted).value());
    library_catalogue catalogue{
        sandbox::launcher::start(events.context(), {.executable = MAZE_BIN_DIR "/maze-init"})
            .value(),
        blobs, careful};
    std::vector<core::task_spec> tasks{test::calling("plain", "add", {{"a", 1}})};
    core::call_plan plan;
    plan.functions = {{"sum", core::function_action{"plain", "add"}}};
    const auto of_tasks = catalogue.settle(tasks, libraries, {});
    const auto of_calls = catalogue.check(plan, libraries);
    const auto of_none = catalogue.settle({}, libraries, {});
    CHECK(of_tasks.has_value() == of_calls.has_value());
    CHECK(of_tasks.has_value() == of_none.has_value());
    if (!of_tasks)
      CHECK_THAT(of_tasks.error().message, Contains("task '") && Contains("library 'plain'"));
    return of_tasks ? errc::none : of_tasks.error().code;
  };
  CHECK(judged({}) == errc::untrusted_function);
  CHECK(starts() == 0);
  CHECK(judged({sum}) == errc::none);
  CHECK(starts() == 1);
}

TEST_CASE_METHOD(catalogue_fixture, "the functions of a plan of calls are there before any call",
                 "[actors][library_catalogue]") {
  const core::library_refs libraries{{"plain", test::put_library(*blobs, "plain")}};
  core::call_plan plan;
  plan.functions = {{"sum", core::function_action{"plain", "add"}}};
  CHECK(sut.check(plan, libraries));
  plan.functions.push_back({"other", core::function_action{"plain", "subtract"}});
  const auto refused = sut.check(plan, libraries);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::untrusted_function);
  CHECK_THAT(refused.error().message, Contains("'plain'") && Contains("'subtract'"));
  plan.functions = {{"sum", core::function_action{"text", "add"}}};
  CHECK_THAT(sut.check(plan, libraries).error().message, Contains("'text'"));
  plan.functions = {{"sum", core::python_action{core::python_source::code, "def f(): pass", ""}}};
  CHECK(sut.check(plan, {}));
}
