#include "node/submission.hpp"

#include "maze/io/hash.hpp"
#include "node/passing_store.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <unistd.h>

using namespace maze;
using Catch::Matchers::Contains;

namespace {

constexpr const char* variable = "MAZE_TEST_SECRET";

core::task_spec shell(std::string name, core::sandbox_level level) {
  core::task_spec out;
  out.name = std::move(name);
  out.action = core::shell_action{"true"};
  out.output = {.keys = {{"run", "dict"}}};
  out.sandbox.level = level;
  return out;
}

struct fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  std::unique_ptr<io::log> log = io::log::open({.file = dir / "log"}).value();
  core::workflow work;

  fixture() {
    std::filesystem::create_directory(dir / "project");
    std::ofstream(dir / "project/in.txt") << "content";
    work.name = "trial";
    work.tasks = {shell("a", core::sandbox_level::none)};
  }
  ~fixture() { ::unsetenv(variable); }

  core::result<std::shared_ptr<actors::submission>> prepared() {
    return node::prepare(work, dir / "project", *blobs, *log);
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a secret comes from the environment and is not shown",
                 "[tools][submission]") {
  ::setenv(variable, "hunter2", 1);
  work.context["top"] = {.content = core::value(50)};
  work.context["key"] = {.secret_variable = variable};
  const auto context = node::read_context(work, log.get());
  REQUIRE(context);
  CHECK(context->at("top") == core::context_entry{core::value(50), false});
  CHECK(context->at("key") == core::context_entry{core::value("hunter2"), true});
  CHECK_THAT(log->secrets().redact("password hunter2"), !Contains("hunter2"));
}

TEST_CASE_METHOD(fixture, "a secret whose variable is not set is an error that names both",
                 "[tools][submission]") {
  ::unsetenv(variable);
  work.context["key"] = {.secret_variable = variable};
  const auto refused = prepared();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::input_missing);
  CHECK_THAT(refused.error().message, Contains("'key'") && Contains(variable));
}

TEST_CASE_METHOD(fixture, "a submission holds the files as they were", "[tools][submission]") {
  work.files = {{.from = "in.txt"}};
  work.result = core::parse_reference("a.output.run").value();
  const auto made = prepared();
  REQUIRE(made);
  std::ofstream(dir / "project/in.txt") << "something else";
  const actors::submission& sut = **made;
  CHECK(sut.name == "trial");
  CHECK(sut.tasks->size() == 1);
  CHECK(sut.result == work.result);
  REQUIRE(sut.files.contains("in.txt"));
  CHECK(sut.files.at("in.txt").hash == io::hash_bytes("content"));
  CHECK(blobs->has(io::hash_bytes("content")));
  CHECK(sut.base == io::hash_bytes(core::encode_manifest(sut.files)));
}

TEST_CASE_METHOD(fixture,
                 "a submission holds its libraries, for a node of its own and for a cluster",
                 "[tools][submission]") {
  std::ofstream(dir / "project/libtext.so") << "machine code";
  work.libraries = {{"text", "libtext.so"}};
  const core::library_refs expected{{"text", {io::hash_bytes("machine code"), 12}}};
  const auto made = prepared();
  REQUIRE(made);
  CHECK((*made)->libraries == expected);
  const auto form = node::describe(work, dir / "project", *blobs);
  REQUIRE(form);
  CHECK(form->libraries == expected);
  CHECK(node::blobs_of(form->files, form->libraries)
        == std::vector<core::blob_id>{{io::hash_bytes("machine code"), 12}});
}

TEST_CASE_METHOD(fixture, "a submission holds the archives of its images", "[tools][submission]") {
  std::ofstream(dir / "project/base.tar") << "files";
  work.tasks.front().sandbox = {.level = core::sandbox_level::container, .image = "base.tar"};
  const core::archive_refs expected{{"base.tar", {io::hash_bytes("files"), 5}}};
  const auto made = prepared();
  REQUIRE(made);
  CHECK((*made)->archives == expected);
  const auto form = node::describe(work, dir / "project", *blobs);
  REQUIRE(form);
  CHECK(form->archives == expected);
  CHECK(node::blobs_of(form->files, form->libraries, form->archives)
        == std::vector<core::blob_id>{{io::hash_bytes("files"), 5}});
}

TEST_CASE("an archive on a command line counts from the current folder", "[tools][submission]") {
  const auto seen = [](const char* image) {
    core::sandbox_options options{{.level = core::sandbox_level::container, .image = image}, {}};
    return *node::seen_from(options, std::filesystem::current_path() / "flows/a").values.image;
  };
  CHECK(seen("base.tar") == "../../base.tar");
  CHECK(seen("flows/./base.tar") == "../base.tar");
  CHECK(seen("/srv/base.tar") == "/srv/base.tar");
  CHECK(seen("debian:12") == "debian:12");
}

TEST_CASE_METHOD(fixture, "each submission has an id of its own", "[tools][submission]") {
  const auto first = prepared();
  const auto second = prepared();
  REQUIRE(first);
  REQUIRE(second);
  CHECK((*first)->client_id.size() == 32);
  CHECK((*first)->client_id != (*second)->client_id);
}

TEST_CASE_METHOD(fixture, "a file that is not there stops the submission", "[tools][submission]") {
  work.files = {{.from = "out.txt"}};
  const auto refused = prepared();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::not_found);
  CHECK_THAT(refused.error().message, Contains("out.txt"));
}

TEST_CASE("options of a command count for tasks that do not say them", "[tools][submission]") {
  core::workflow work;
  work.tasks = {shell("a", core::sandbox_level::subprocess),
                shell("b", core::sandbox_level::subprocess)};
  work.tasks[1].sandbox.memory = core::byte_count{1 << 20};
  work.tasks[1].written.sandbox = core::parts_of(work.tasks[1].sandbox);
  core::sandbox_options options{{.memory = core::byte_count{1 << 30}}, {}};
  options.said = core::parts_of(options.values);
  REQUIRE(node::settle_sandboxes(work, {options, {}}));
  CHECK(work.tasks[0].sandbox.memory == core::byte_count{1 << 30});
  CHECK(work.tasks[1].sandbox.memory == core::byte_count{1 << 20});
  work.tasks[0].sandbox.filesystem = false;
  work.tasks[0].sandbox.level = core::sandbox_level::seccomp;
  options.values = {.readable = {"/opt"}};
  options.said = core::parts_of(options.values);
  const auto refused = node::settle_sandboxes(work, {options, {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().origin == "submit:a");
  CHECK_THAT(refused.error().message, Contains("task 'a'") && Contains("--sandbox-option"));
  work.tasks.erase(work.tasks.begin());
  options.values = {.memory = core::byte_count{1 << 20}, .disk = core::byte_count{1 << 20}};
  options.said = core::parts_of(options.values);
  REQUIRE(node::settle_sandboxes(work, {{}, options}));
  CHECK(work.tasks[0].sandbox.disk == core::byte_count{1 << 20});
  work.tasks[0].sandbox.memory = core::byte_count{2 << 20};
  CHECK_THAT(node::settle_sandboxes(work, {{}, options}).error().message,
             Contains("task 'b'") && Contains("`memory`"));
}

TEST_CASE("a system call that nobody knows is refused before the run", "[tools][submission]") {
  core::workflow work;
  work.tasks = {shell("a", core::sandbox_level::none), shell("b", core::sandbox_level::subprocess)};
  CHECK(node::check_enforceable(work));
  work.tasks.push_back(shell("d", core::sandbox_level::container));
  CHECK(node::check_enforceable(work));
  work.tasks.push_back(shell("c", core::sandbox_level::container));
  work.tasks.back().action = core::function_action{"text", "count"};
  CHECK(node::check_enforceable(work));
  work.tasks.back().sandbox.syscalls = {"ptraec"};
  const auto refused = node::check_enforceable(work);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_argument);
  CHECK_THAT(refused.error().message, Contains("'c'") && Contains("ptraec"));
  const test::scratch_dir dir;
  const auto file = (dir / "w.yaml").string();
  std::ofstream(file) << "maze: 1\ntasks:\n  a: {}\n  c: {}\n";
  CHECK(node::located(refused.error(), file).message == file + ":4:3: " + refused.error().message);
  const core::error elsewhere{.code = core::errc::io_error, .message = "x", .origin = "submit"};
  CHECK(node::located(elsewhere, file) == elsewhere);
  std::ofstream(file) << "maze: 1\nlibraries: { text: l.so }\n";
  const core::error unusable{
      .code = core::errc::invalid_payload, .message = "x", .origin = "library:text"};
  CHECK(node::located(unusable, file).message == file + ":2:14: x");
}
