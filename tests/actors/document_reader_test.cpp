#include "maze/actors/document_reader.hpp"

#include "maze/actors/reactor.hpp"
#include "support/function_tasks.hpp"
#include "support/session_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using Catch::Contains;
using core::errc;

namespace {

/// Judges functions with real hosts.
struct function_documents : test::session_fixture {
  reactor events;
  library_catalogue libraries{
      sandbox::launcher::start(events.context(), {.executable = MAZE_BIN_DIR "/maze-init"}).value(),
      blobs,
      {.programs = host_programs::beside(MAZE_BIN_DIR "/maze-init"), .user = std::nullopt}};

  core::submission_form form_of(core::task_spec task) {
    auto out = form();
    out.tasks = {std::move(task)};
    out.libraries["plain"] = test::put_library(*blobs, "plain");
    return out;
  }
  core::result<std::shared_ptr<const submission>> accept(core::submission_form form) {
    return accept_form(std::move(form), *blobs, *log, &libraries);
  }
  core::error refused(core::submission_form form) {
    auto out = accept(std::move(form));
    REQUIRE_FALSE(out);
    return std::move(out.error());
  }
};

} // namespace

TEST_CASE_METHOD(test::session_fixture, "a form becomes what the master takes, secrets hidden",
                 "[actors][documents]") {
  auto handed_in = form();
  handed_in.context["key"] = {core::value("hunter2"), true};
  handed_in.collect = {"*.svg"};
  handed_in.rules = {core::conflict_policy::last_wins, {"*.o"}, {"*.py"}};
  const auto kept = blobs->put_bytes("content");
  REQUIRE(kept);
  handed_in.files["in.txt"] = {.hash = kept->hash, .size = kept->size};
  handed_in.base = io::hash_bytes(core::encode_manifest(handed_in.files));
  const auto work = accept_form(handed_in, *blobs, *log);
  REQUIRE(work);
  CHECK((*work)->name == "work");
  CHECK((*work)->tasks->size() == 1);
  CHECK((*work)->collect == handed_in.collect);
  CHECK((*work)->rules == handed_in.rules);
  CHECK((*work)->files == handed_in.files);
  CHECK(log->secrets().redact("a hunter2 b") == "a [secret] b");
}

TEST_CASE_METHOD(test::session_fixture,
                 "a form whose library has not arrived is refused by its name",
                 "[actors][documents]") {
  auto handed_in = form();
  handed_in.base = io::hash_bytes(core::encode_manifest(handed_in.files));
  const auto kept = blobs->put_bytes("machine code");
  REQUIRE(kept);
  handed_in.libraries["text"] = {kept->hash, kept->size};
  const auto work = accept_form(handed_in, *blobs, *log);
  REQUIRE(work);
  CHECK((*work)->libraries == handed_in.libraries);
  handed_in.libraries["plot"] = {{1, 2}, 3};
  const auto refused = accept_form(handed_in, *blobs, *log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::object_lost);
  CHECK(refused.error().message.find("'plot'") != std::string::npos);
}

TEST_CASE_METHOD(test::session_fixture,
                 "a form whose archive has not arrived is refused by its path",
                 "[actors][documents]") {
  auto handed_in = form();
  const auto kept = blobs->put_bytes("files");
  REQUIRE(kept);
  handed_in.archives["base.tar"] = {kept->hash, kept->size};
  const auto work = accept_form(handed_in, *blobs, *log);
  REQUIRE(work);
  CHECK((*work)->archives == handed_in.archives);
  handed_in.archives["gone.tar"] = {{1, 2}, 3};
  const auto refused = accept_form(handed_in, *blobs, *log);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::object_lost);
  CHECK(refused.error().message.find("'gone.tar'") != std::string::npos);
}

TEST_CASE_METHOD(function_documents, "functions get the parameters of their library",
                 "[actors][documents]") {
  const auto work = accept(form_of(test::calling("plain", "add", {{"a", 1}})));
  REQUIRE(work);
  const auto& parameters = (*work)->tasks->spec(core::task_id{0}).parameters;
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[1] == core::parameter{"b", "int", core::value(10)});
  CHECK((*work)->libraries.size() == 1);
}

TEST_CASE_METHOD(function_documents, "functions that cannot be called are refused at submit",
                 "[actors][documents]") {
  const auto unknown = refused(form_of(test::calling("plain", "subtract")));
  CHECK(unknown.code == errc::untrusted_function);
  CHECK_THAT(unknown.message, Contains("task 'f'") && Contains("'subtract'"));
  const auto library = refused(form_of(test::calling("plot", "draw")));
  CHECK(library.code == errc::untrusted_function);
  CHECK_THAT(library.message, Contains("'plot'") && Contains("plain"));
  const auto type = refused(form_of(test::calling("plain", "add", {{"a", "one"}})));
  CHECK(type.code == errc::invalid_payload);
  CHECK_THAT(type.message, Contains("'a'") && Contains("int") && Contains("string"));
  CHECK(refused(form_of(test::calling("plain", "add"))).code == errc::input_missing);
  CHECK(refused(form_of(test::calling("plain", "add", {{"a", 1}, {"c", 1}}))).code
        == errc::invalid_payload);
}

TEST_CASE_METHOD(function_documents, "a library that cannot be loaded refuses its run alone",
                 "[actors][documents]") {
  auto crash = form_of(test::calling("plain", "add", {{"a", 1}}));
  crash.libraries["plain"] = test::put_library(*blobs, "at_load_crash");
  const auto why = refused(crash);
  CHECK(why.code == errc::invalid_payload);
  CHECK_THAT(why.message, Contains("library 'plain' cannot be used"));
  CHECK(accept(form_of(test::calling("plain", "add", {{"a", 1}}))));
}

TEST_CASE_METHOD(function_documents, "the functions of a plan of calls are judged as well",
                 "[actors][documents]") {
  auto calls = form_of(test::shell("a"));
  calls.tasks.clear();
  calls.calls.emplace();
  calls.calls->functions = {{"sum", core::function_action{"plain", "add"}}};
  const auto work = accept(calls);
  REQUIRE(work);
  CHECK((*work)->calls->functions == calls.calls->functions);
  calls.calls->functions = {{"sum", core::function_action{"plain", "subtract"}}};
  CHECK(refused(calls).code == errc::untrusted_function);
}

TEST_CASE("a report comes back from its bytes, and foreign bytes are refused",
          "[actors][documents]") {
  CHECK_FALSE(read_report("nonsense"));
  CHECK_FALSE(read_report(""));
}

TEST_CASE_METHOD(test::session_fixture, "the rules of a cluster hold for what is handed in",
                 "[actors][documents]") {
  core::submission_rules rules;
  rules.sandbox.bounds.values.memory = core::byte_count{1 << 30};
  rules.sandbox.bounds.said.add(core::sandbox_part::memory);
  const auto reader =
      spawn(document_reader, document_reader_setup{blobs, log, nullptr, std::move(rules)});
  const auto encoded = [](const core::submission_form& from) {
    return read_submission{
        std::make_shared<const std::string>(core::encode_submission(from).value())};
  };
  auto handed_in = form();
  const auto taken = ask<submit_run>(reader, encoded(handed_in));
  CHECK(taken.work->tasks->spec(core::task_id{0}).sandbox.memory == core::byte_count{1 << 30});
  handed_in.tasks[0].sandbox.memory = core::byte_count{std::uint64_t{2} << 30};
  const auto refused = ask_failing<submit_run>(reader, encoded(handed_in));
  CHECK(refused.code == core::errc::permission_denied);
  CHECK(refused.message.find("`memory`") != std::string::npos);
}
