#include "maze/core/run_name.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace maze::core;

TEST_CASE("a run's id has a short text that leads back to it", "[core][run_name]") {
  CHECK(to_string(run_id{0}) == "0");
  CHECK(to_string(run_id{31}) == "z");
  CHECK(to_string(run_id{32}) == "10");
  CHECK(to_string(run_id{~std::uint64_t{0}}) == "fzzzzzzzzzzzz");
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    const run_id run{random() >> (i % 64)};
    INFO(run.value);
    CHECK(parse_run_id(to_string(run)) == run);
  }
}

TEST_CASE("a run's id is read as people write it", "[core][run_name]") {
  CHECK(parse_run_id("FZ") == run_id{15 * 32 + 31});
  CHECK(parse_run_id("00z") == run_id{31});
  CHECK(parse_run_id("oOiIlL") == run_id{((1 * 32 + 1) * 32 + 1) * 32 + 1});
}

TEST_CASE("a text that is no run's id is refused by name", "[core][run_name]") {
  CHECK(parse_run_id("").error().message == "a run's id is empty");
  const auto letter = parse_run_id("1u3");
  REQUIRE(!letter);
  CHECK(letter.error().code == errc::invalid_argument);
  CHECK(letter.error().message
        == "'1u3' is not a run's id: character 2 is neither a digit nor one of the letters "
           "abcdefghjkmnpqrstvwxyz");
  CHECK(!parse_run_id(std::string_view("1\0002", 3)));
  CHECK(!parse_run_id("-1"));
  CHECK(parse_run_id("g000000000000").error().message
        == "'g000000000000' is not a run's id: it is larger than fzzzzzzzzzzzz");
  CHECK(!parse_run_id("10000000000000"));
}

TEST_CASE("a run's folder is its workflow's name and its id", "[core][run_name]") {
  CHECK(run_folder_name("word-count", run_id{32}) == "word-count-10");
}
