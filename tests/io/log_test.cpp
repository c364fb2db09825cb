#include "maze/io/log.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <fstream>
#include <regex>
#include <thread>
#include <unistd.h>

using namespace maze;
using namespace std::chrono_literals;
using io::log;
using io::log_level;

namespace {

std::vector<std::string> lines(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

/// The line without its time, after a check that it begins with one.
std::string without_time(const std::string& line) {
  static const std::regex shape(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (.*))");
  std::smatch match;
  REQUIRE(std::regex_match(line, match, shape));
  return match[1];
}

} // namespace

TEST_CASE("an event is one line with its fields", "[io][log]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "node.log";
  auto sut = log::open({.level = log_level::debug, .file = file});
  REQUIRE(sut);
  (*sut)->event(log_level::info, "task started",
                {io::field(core::run_id{32}),
                 io::task_field("count"),
                 io::field(core::attempt_id{1, 42}),
                 {"command", "grep -c \"a=b\""},
                 {"note", ""}});
  (*sut)->event(core::phase::pull, "fetched inputs", {{"files", "12"}});
  (*sut)->event(log_level::error, "gone");
  const auto seen = lines(file);
  REQUIRE(seen.size() == 3);
  CHECK(without_time(seen[0])
        == R"(info task started run=10 task=count attempt=1.42 command="grep -c \"a=b\"" note="")");
  CHECK(without_time(seen[1]) == "debug [Sync] fetched inputs files=12");
  CHECK(without_time(seen[2]) == "error gone");
}

TEST_CASE("events below the level are not written", "[io][log]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "node.log";
  auto sut = log::open({.level = log_level::warning, .file = file});
  REQUIRE(sut);
  CHECK(!(*sut)->shows(log_level::info));
  CHECK((*sut)->shows(log_level::error));
  CHECK(!(*sut)->shows(log_level::off));
  (*sut)->event(log_level::info, "no");
  (*sut)->event(core::phase::push, "no");
  (*sut)->event(log_level::warning, "yes");
  CHECK(lines(file).size() == 1);
  const auto silent = log::open({.level = log_level::off, .file = dir.path() / "off.log"});
  REQUIRE(silent);
  (*silent)->event(log_level::error, "no");
  CHECK(lines(dir.path() / "off.log").empty());
}

TEST_CASE("a task name cannot forge a log line or a field", "[io][log]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "node.log";
  auto sut = log::open({.file = file});
  REQUIRE(sut);
  (*sut)->event(log_level::info, "task ended {}\n2026-01-01T00:00:00Z error forged",
                {io::task_field("a\nb run=1\x1b[2J"), {"reason", "\" state=completed"}});
  const auto seen = lines(file);
  REQUIRE(seen.size() == 1);
  CHECK(without_time(seen[0])
        == R"(info task ended {}\n2026-01-01T00:00:00Z error forged task="a\nb run=1\x1b[2J" )"
           R"(reason="\" state=completed")");
}

TEST_CASE("a registered secret is never written", "[io][log]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "node.log";
  auto sut = log::open({.file = file});
  REQUIRE(sut);
  (*sut)->secrets().hide("hunter2");
  (*sut)->secrets().hide("hunter2-and-more");
  (*sut)->secrets().hide("two\nlines");
  (*sut)->secrets().hide("");
  (*sut)->event(log_level::info, "key hunter2-and-more, hunter2hunter2.", {{"key", "two\nlines"}});
  const auto seen = lines(file);
  REQUIRE(seen.size() == 1);
  CHECK(without_time(seen[0]) == "info key [secret], [secret][secret]. key=[secret]");
}

TEST_CASE("lines of many threads stay whole", "[io][log]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "node.log";
  auto sut = log::open({.file = file});
  REQUIRE(sut);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&sut, i] {
      for (int n = 0; n < 200; ++n) {
        (*sut)->secrets().hide("secret" + std::to_string(i) + std::to_string(n));
        (*sut)->event(log_level::info, "event", {{"thread", std::to_string(i)}});
      }
    });
  for (auto& thread : threads)
    thread.join();
  const auto seen = lines(file);
  CHECK(seen.size() == 800);
  for (const auto& line : seen)
    CHECK_THAT(without_time(line), Catch::Matches("info event thread=[0-3]"));
}

TEST_CASE("a log file that cannot be opened is named", "[io][log]") {
  const auto sut = log::open({.file = "/proc/no-such-folder/node.log"});
  REQUIRE(!sut);
  CHECK(sut.error().code == core::errc::io_error);
  CHECK_THAT(sut.error().message,
             Catch::StartsWith("log file '/proc/no-such-folder/node.log' cannot be opened: "));
}

TEST_CASE("levels have names", "[io][log]") {
  for (const auto level :
       {log_level::debug, log_level::info, log_level::warning, log_level::error, log_level::off})
    CHECK(io::log_level_from_string(to_string(level)) == level);
  CHECK(!io::log_level_from_string("loud"));
}

TEST_CASE("a flood of events is thinned and counted", "[io][log]") {
  io::rate_limit sut(2, 1s);
  CHECK(sut.admit(100s) == 0u);
  CHECK(sut.admit(100s) == 0u);
  CHECK(!sut.admit(100s + 500ms));
  CHECK(!sut.admit(100s + 999ms));
  CHECK(sut.admit(101s) == 2u);
  CHECK(sut.admit(101s) == 0u);
  CHECK(!sut.admit(101s));
}

TEST_CASE("a log that cannot be written says so when it is asked, not on standard error",
          "[io][log]") {
  auto sut = log::open({.file = "/dev/full"});
  REQUIRE(sut);
  CHECK((*sut)->failure().empty());
  const test::scratch_dir dir;
  const int before = ::dup(STDERR_FILENO);
  const io::unique_fd caught{::open((dir / "stderr").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  ::dup2(caught.get(), STDERR_FILENO);
  (*sut)->event(log_level::error, "nobody reads this");
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  CHECK(std::filesystem::file_size(dir / "stderr") == 0);
  CHECK_THAT((*sut)->failure(), Catch::Matchers::Contains("No space left on device"));
}
