#include "maze/io/journal.hpp"

#include "support/in_child.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include <fstream>
#include <sys/stat.h>
#include <vector>

using namespace maze;
using core::errc;
using io::journal;
using io::journal_row;

namespace {

journal_row fact(std::uint64_t number, std::size_t size = 20) {
  return {.run = {number % 3},
          .kind = static_cast<std::uint8_t>(number % 7),
          .wall_ns = static_cast<std::int64_t>(number) * 1000,
          .body = fmt::format("{:0{}}", number, size)};
}

std::vector<journal_row> facts(std::uint64_t first, std::uint64_t count, std::size_t size = 20) {
  std::vector<journal_row> out;
  for (std::uint64_t i = 0; i < count; ++i)
    out.push_back(fact(first + i, size));
  return out;
}

std::vector<journal_row> all(core::result<io::journal_reader> reader) {
  REQUIRE(reader);
  std::vector<journal_row> out;
  for (;;) {
    auto row = reader->next();
    REQUIRE(row);
    if (!*row)
      return out;
    out.push_back(std::move(**row));
  }
}

void run_sql(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void overwrite(const std::filesystem::path& file, std::streamoff at, const std::string& with) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(at);
  out << with;
}

} // namespace

TEST_CASE("facts come back in the order in which they were appended", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  {
    auto sut = journal::open(file);
    REQUIRE(sut);
    CHECK(sut->commit() == 0u);
    REQUIRE(sut->append(facts(1, 3)));
    REQUIRE(sut->append(facts(4, 2)));
    CHECK(sut->commit() == 5u);
  }
  auto sut = journal::open(file);
  REQUIRE(sut);
  REQUIRE(sut->append(facts(6, 1)));
  CHECK(sut->commit() == 6u);
  auto expected = facts(1, 6);
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i].sequence = i + 1;
  CHECK(all(sut->read_from(0)) == expected);
  CHECK(all(sut->read_from(5)) == std::vector<journal_row>{expected[4], expected[5]});
  CHECK(all(sut->read_run({2})) == std::vector<journal_row>{expected[1], expected[4]});
  CHECK(all(sut->read_from(7)).empty());
}

TEST_CASE("any bytes and any number survive the journal", "[io][journal]") {
  const test::scratch_dir dir;
  auto sut = journal::open(dir.path() / "journal.db");
  REQUIRE(sut);
  journal_row odd{.run = {~std::uint64_t{0}}, .kind = 255, .wall_ns = INT64_MIN, .body = ""};
  journal_row zero{.body = std::string("\0a\0\xff", 4)};
  REQUIRE(sut->append(std::vector{odd, zero}));
  odd.sequence = 1;
  zero.sequence = 2;
  CHECK(all(sut->read_from(0)) == std::vector{odd, zero});
  CHECK(all(sut->read_run(odd.run)) == std::vector{odd});
}

TEST_CASE("an event goes into a row and comes back", "[io][journal]") {
  const core::journal_event event =
      core::run_progressed{{5}, core::run_state_changed{core::run_state::failed}};
  auto row = io::to_row(event, core::wall_time{77});
  CHECK(row.run == core::run_id{5});
  CHECK(row.kind == 3);
  CHECK(row.wall_ns == 77);
  row.sequence = 12;
  CHECK(io::to_event(row) == event);
  row.run = {6};
  CHECK(io::to_event(row).error().message
        == "fact 12: its columns belong to another fact than its body");
  row.body.pop_back();
  CHECK_THAT(io::to_event(row).error().message, Catch::StartsWith("fact 12: journal event, byte "));
}

TEST_CASE("a batch that was not committed is forgotten", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  {
    auto sut = journal::open(file);
    REQUIRE(sut);
    REQUIRE(sut->append(facts(1, 2)));
    REQUIRE(sut->commit());
    REQUIRE(sut->append(facts(3, 2)));
  }
  auto sut = journal::open(file);
  REQUIRE(sut);
  CHECK(all(sut->read_from(0)).size() == 2);
}

TEST_CASE("a journal is readable by its owner only", "[io][journal]") {
  const test::scratch_dir dir;
  const auto sut = journal::open(dir.path() / "journal.db");
  REQUIRE(sut);
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    struct stat seen {};
    REQUIRE(::stat(entry.path().c_str(), &seen) == 0);
    INFO(entry.path());
    CHECK((seen.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a second process cannot open a journal in use", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  auto sut = journal::open(file);
  REQUIRE(sut);
  CHECK(test::in_child([&] {
          const auto second = journal::open(file);
          return second ? 0 : static_cast<int>(second.error().code);
        })
        == static_cast<int>(errc::already_exists));
  const auto second = journal::open(file);
  REQUIRE(!second);
  CHECK(second.error().message
        == fmt::format("journal '{}': opening failed: another process holds it; stop that process "
                       "or choose another --dir",
                       file.string()));
  // The refused attempts took nothing from the first owner.
  REQUIRE(sut->append(facts(1, 1)));
  CHECK(sut->commit() == 1u);
}

TEST_CASE("a journal of a newer maze is refused with both versions", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  REQUIRE(journal::open(file));
  run_sql(file, "PRAGMA user_version = 7");
  const auto sut = journal::open(file);
  REQUIRE(!sut);
  CHECK(sut.error().code == errc::unsupported_operation);
  CHECK(
      sut.error().message
      == fmt::format("journal '{}' has schema version 7, this maze knows versions up to {}; start "
                     "a newer maze or choose another --dir",
                     file.string(), io::journal_schema_version()));
}

TEST_CASE("a file of another program is refused and left as it is", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  SECTION("a text file") {
    std::ofstream(file) << "this is not a database, and long enough to be looked at as a header "
                           "of one hundred bytes or more, which SQLite does\n";
  }
  SECTION("a database of another program") { run_sql(file, "CREATE TABLE other(x)"); }
  const auto before = content(file);
  const auto sut = journal::open(file);
  REQUIRE(!sut);
  CHECK(sut.error().code == errc::malformed);
  CHECK_THAT(sut.error().message,
             Catch::Contains(file.string()) && Catch::Contains("move it away"));
  CHECK(content(file) == before);
}

TEST_CASE("an empty file that a killed process left becomes a journal", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  { std::ofstream(file).flush(); }
  auto sut = journal::open(file);
  REQUIRE(sut);
  REQUIRE(sut->append(facts(1, 1)));
  CHECK(sut->commit() == 1u);
}

TEST_CASE("a damaged journal is an error, not a shorter history", "[io][journal]") {
  const test::scratch_dir dir;
  const auto file = dir.path() / "journal.db";
  {
    auto sut = journal::open(file);
    REQUIRE(sut);
    REQUIRE(sut->append(facts(1, 2000, 100)));
    REQUIRE(sut->commit());
  }
  overwrite(file, 4096 * 10, std::string(4096, '\xa5'));
  const auto sut = journal::open(file);
  REQUIRE(sut);
  auto reader = sut->read_from(0);
  REQUIRE(reader);
  auto row = reader->next();
  while (row && *row)
    row = reader->next();
  REQUIRE(!row);
  CHECK(row.error().code == errc::malformed);
  CHECK_THAT(row.error().message, Catch::Contains("the file is damaged"));
}

TEST_CASE("a folder that is missing or not writable is named", "[io][journal]") {
  const test::scratch_dir dir;
  const auto missing = journal::open(dir.path() / "no" / "journal.db");
  REQUIRE(!missing);
  CHECK(missing.error().code == errc::not_found);
  std::filesystem::permissions(dir.path(), std::filesystem::perms{0555});
  const auto refused = [&](const std::filesystem::path& file) {
    return test::in_child([&] {
      // Root may write everywhere: the child of a root test gives that up.
      if (::geteuid() == 0
          && (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0))
        return 0;
      const auto sut = journal::open(file);
      return sut ? 0 : static_cast<int>(sut.error().code);
    });
  };
  CHECK(refused(dir.path() / "journal.db") == static_cast<int>(errc::permission_denied));
  std::filesystem::permissions(dir.path(), std::filesystem::perms{0755});
  REQUIRE(journal::open(dir.path() / "journal.db"));
  std::filesystem::permissions(dir.path() / "journal.db", std::filesystem::perms{0444});
  CHECK(refused(dir.path() / "journal.db") == static_cast<int>(errc::permission_denied));
}
