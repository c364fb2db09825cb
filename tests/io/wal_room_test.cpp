#include "maze/io/wal_room.hpp"

#include "maze/io/journal.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <vector>

using namespace maze;
using io::journal;
using io::journal_row;

namespace {

std::uint64_t bodies_in(const journal& from) {
  auto reader = from.read_from(0);
  REQUIRE(reader);
  std::uint64_t count = 0;
  for (;;) {
    const auto row = reader->next();
    REQUIRE(row);
    if (!*row)
      return count;
    CHECK((*row)->sequence == ++count);
  }
}

void commit(journal& to, std::size_t size) {
  REQUIRE(
      to.append(std::vector{journal_row{.run = {1}, .kind = 1, .body = std::string(size, 'x')}}));
  REQUIRE(to.commit());
}

/// A journal in a folder of its own, and the file that SQLite appends to.
struct open_journal {
  test::scratch_dir dir;
  std::filesystem::path file = dir.path() / "journal.db";
  std::filesystem::path log = dir.path() / "journal.db-wal";
  journal facts = journal::open(file).value();
};

} // namespace

TEST_CASE("commits find room that was made before", "[io][journal]") {
  open_journal sut;
  for (int round = 0; round < 20; ++round) {
    sut.facts.tend();
    const auto size = std::filesystem::file_size(sut.log);
    commit(sut.facts, 100);
    commit(sut.facts, 5000);
    CHECK(std::filesystem::file_size(sut.log) == size);
  }
  CHECK(std::filesystem::file_size(sut.log) < 2 << 20);
}

TEST_CASE("no room is made for large commits, which do without", "[io][journal]") {
  open_journal sut;
  sut.facts.tend();
  commit(sut.facts, 1'000'000);
  const auto size = std::filesystem::file_size(sut.log);
  sut.facts.tend();
  CHECK(std::filesystem::file_size(sut.log) == size);
  commit(sut.facts, 100);
  sut.facts.tend();
  CHECK(std::filesystem::file_size(sut.log) > size + 60'000);
}

TEST_CASE("without room commits go on", "[io][journal]") {
  open_journal sut;
  sut.facts.tend();
  for (int i = 0; i < 10; ++i)
    commit(sut.facts, 100'000);
  sut.facts.tend();
  commit(sut.facts, 100);
  CHECK(bodies_in(sut.facts) == 11);
}

TEST_CASE("a log with room behind it is read like any other after a crash", "[io][journal]") {
  open_journal sut;
  const test::scratch_dir copy;
  std::uint64_t count = 0;
  for (int round = 0; round < 5; ++round) {
    sut.facts.tend();
    for (int i = 0; i < round; ++i, ++count)
      commit(sut.facts, 3000);
    // What a crash leaves is what the files hold now.
    const auto left = copy.path() / fmt::format("{}.db", round);
    std::filesystem::copy_file(sut.file, left);
    std::filesystem::copy_file(sut.log, left.native() + "-wal");
    const auto again = journal::open(left);
    REQUIRE(again);
    CHECK(bodies_in(*again) == count);
  }
}

TEST_CASE("a long log is copied back and begins anew", "[io][journal]") {
  open_journal sut;
  constexpr std::size_t body = 4 << 20;
  for (int i = 0; i < 30; ++i) {
    commit(sut.facts, body);
    sut.facts.tend();
  }
  CHECK(std::filesystem::file_size(sut.log) < 40 << 20);
  CHECK(std::filesystem::file_size(sut.file) > 60 << 20);
  CHECK(bodies_in(sut.facts) == 30);
}

TEST_CASE("a log that is being read is copied back later", "[io][journal]") {
  open_journal sut;
  commit(sut.facts, 100);
  auto reader = sut.facts.read_from(0);
  REQUIRE(reader);
  REQUIRE(reader->next());
  for (int i = 0; i < 12; ++i) {
    commit(sut.facts, 4 << 20);
    sut.facts.tend();
  }
  while (reader->next().value()) {
  }
  for (int i = 0; i < 12; ++i) {
    commit(sut.facts, 4 << 20);
    sut.facts.tend();
  }
  CHECK(std::filesystem::file_size(sut.log) < 100 << 20);
  CHECK(bodies_in(sut.facts) == 25);
}
