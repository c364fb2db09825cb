#include "maze/actors/document_reader.hpp"

#include "support/session_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

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

TEST_CASE("a report comes back from its bytes, and foreign bytes are refused",
          "[actors][documents]") {
  CHECK_FALSE(read_report("nonsense"));
  CHECK_FALSE(read_report(""));
}
