#include "maze/sandbox/stdio.hpp"

#include "support/launcher_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::sandbox;

namespace {

std::string letters(std::size_t count) {
  std::string text(count, ' ');
  for (std::size_t i = 0; i < count; ++i)
    text[i] = static_cast<char>('a' + i % 26);
  return text;
}

captured_output feed(capture_limits limits, const std::string& text, std::size_t step) {
  output_sink sut(std::move(limits));
  for (std::size_t at = 0; at < text.size(); at += step)
    sut.append(std::string_view(text).substr(at, step));
  return sut.finish();
}

} // namespace

TEST_CASE("a stream within the limit is kept whole and not logged", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  const auto kept = feed({.report_max = 10, .log_max = 100, .log_file = folder / "log"},
                         letters(10), GENERATE(1, 3, 10));
  CHECK(kept.text == letters(10));
  CHECK(kept.total == 10);
  CHECK_FALSE(kept.logged);
  CHECK_FALSE(std::filesystem::exists(folder / "log"));
}

TEST_CASE("a log holds the whole stream as long as it fits", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  const std::size_t size = GENERATE(11, 50, 51, 99, 100);
  const auto kept = feed({.report_max = 10, .log_max = 100, .log_file = folder / "log"},
                         letters(size), GENERATE(1, 7, 100));
  CHECK(kept.text == letters(10));
  CHECK(kept.logged);
  CHECK_FALSE(kept.cut);
  CHECK(test::content_of(folder / "log") == letters(size));
}

TEST_CASE("of a longer stream the log keeps head, tail and what was cut", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  const std::size_t size = GENERATE(101, 149, 150, 1000);
  const auto text = letters(size);
  const auto kept = feed({.report_max = 10, .log_max = 100, .log_file = folder / "log"}, text,
                         GENERATE(1, 7, 60, 1000));
  CHECK(kept.cut);
  CHECK(kept.total == size);
  CHECK(test::content_of(folder / "log")
        == text.substr(0, 50) + "\n[maze: " + std::to_string(size - 100) + " of "
               + std::to_string(size) + " bytes cut out here]\n" + text.substr(size - 50));
}

TEST_CASE("limits of nothing keep nothing and still count", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  const std::size_t log_max = GENERATE(0, 1);
  const auto kept =
      feed({.report_max = 0, .log_max = log_max, .log_file = folder / "log"}, letters(40), 7);
  CHECK(kept.text.empty());
  CHECK(kept.total == 40);
  CHECK(kept.cut);
}

TEST_CASE("a log that cannot be written says why and loses nothing of the report",
          "[sandbox][stdio]") {
  const auto kept =
      feed({.report_max = 10, .log_max = 100, .log_file = "/no/such/folder/log"}, letters(40), 7);
  CHECK(kept.text == letters(10));
  CHECK(kept.total == 40);
  CHECK_FALSE(kept.logged);
  CHECK(kept.log_error.find("/no/such/folder/log") != std::string::npos);
}

TEST_CASE("a link in place of the log is not followed", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  test::write(folder / "precious", "data");
  std::filesystem::create_symlink(folder / "precious", folder / "log");
  const auto kept =
      feed({.report_max = 10, .log_max = 100, .log_file = folder / "log"}, letters(40), 7);
  CHECK_FALSE(kept.log_error.empty());
  CHECK(test::content_of(folder / "precious") == "data");
}

TEST_CASE("what was kept in order so far can be looked at while more comes", "[sandbox][stdio]") {
  const test::scratch_dir folder;
  output_sink sut({.report_max = 10, .log_max = 40, .log_file = folder / "log"});
  const auto text = letters(100);
  sut.append(std::string_view(text).substr(0, 6));
  CHECK(sut.peek(2, 100) == text.substr(2, 4));
  CHECK(sut.peek(2, 2) == text.substr(2, 2));
  CHECK(sut.peek(6, 100).empty());
  sut.append(std::string_view(text).substr(6));
  CHECK(sut.peek(0, 10) == text.substr(0, 10));
  // Behind the head the log is a ring.
  CHECK(sut.peek(12, 100) == text.substr(12, 8));
  CHECK(sut.peek(20, 100).empty());
  CHECK(sut.peek(~std::uint64_t{0}, 100).empty());
}
