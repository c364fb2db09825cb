#include "maze/actors/log_reader.hpp"

#include "maze/core/run_name.hpp"
#include "support/actor_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
using namespace maze::actors;

namespace {

struct log_fixture : test::actor_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::log> log = io::log::open({.file = folder / "node.log"}).value();
  log_actor sut = spawn(log_reader, folder.path() / "runs", log);
  read_log question{.run = core::run_id{7}, .task = "count"};

  void write(const std::string& text) {
    const auto path = log_path(folder.path() / "runs", question.run, "count", 1, question.stream);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
};

} // namespace

TEST_CASE_METHOD(log_fixture, "a kept log is read piece by piece", "[actors][log]") {
  const std::string text(log_piece_max + 10, 'x');
  write(text);
  const auto first = ask<log_piece>(sut, question);
  CHECK(first.bytes.size() == log_piece_max);
  CHECK_FALSE(first.ended);
  question.offset = first.next;
  const auto rest = ask<log_piece>(sut, question);
  CHECK(rest.bytes == "xxxxxxxxxx");
  CHECK(rest.ended);
}

TEST_CASE_METHOD(log_fixture, "what is not kept is not found, and a link is not followed",
                 "[actors][log]") {
  CHECK(ask_failing<log_piece>(sut, question).code == core::errc::not_found);
  write("x");
  const auto path = log_path(folder.path() / "runs", question.run, "count", 1, question.stream);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/hostname", path);
  CHECK(ask_failing<log_piece>(sut, question).code != core::errc::none);
  question.task = "../../secret";
  CHECK(ask_failing<log_piece>(sut, question).code == core::errc::invalid_argument);
}

TEST_CASE_METHOD(log_fixture, "no secret is shown, whole or in halves", "[actors][log]") {
  log->secrets().hide("hunter2");
  const auto half = piece_of("key: hunt", 0, false, log->secrets());
  CHECK(half.bytes.empty());
  CHECK(half.next == 0);
  const auto line = piece_of("key: hunter2\nnext: hun", 0, false, log->secrets());
  CHECK(line.bytes == "key: [secret]\n");
  CHECK(line.next == 13);
  CHECK(piece_of("hunter2", 13, true, log->secrets()).bytes == "[secret]");
}

TEST_CASE_METHOD(log_fixture, "the logs of a forgotten run go, those of others stay",
                 "[actors][log]") {
  write("x");
  question.run = core::run_id{8};
  write("y");
  tell(sut, drop_logs{{core::run_id{7}, core::run_id{99}}});
  CHECK(ask<log_piece>(sut, question).bytes == "y");
  question.run = core::run_id{7};
  CHECK(ask_failing<log_piece>(sut, question).code == core::errc::not_found);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "runs" / core::to_string(question.run)));
}
