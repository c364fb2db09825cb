#include "maze/io/sync_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using core::conflict_policy;
using strings = std::vector<std::string>;

TEST_CASE("each policy for conflicts has its word", "[io][workflow]") {
  test::read_document doc("{a: fail, b: last_wins, c: rename, d: keep}");
  const auto read = [&](const char* key) {
    core::file_rules out{.conflicts = conflict_policy::rename, .ignore = {}, .include = {}};
    io::read_conflicts(doc.read, doc[key], doc.field, out);
    return out.conflicts;
  };
  CHECK(read("a") == conflict_policy::fail);
  CHECK(read("b") == conflict_policy::last_wins);
  CHECK(read("c") == conflict_policy::rename);
  CHECK(doc.codes().empty());
  CHECK(read("d") == conflict_policy::rename);
  CHECK(doc.codes() == "unknown_choice");
}

TEST_CASE("patterns are kept as they are written, faulty ones left out", "[io][workflow]") {
  test::read_document doc(
      "{ignore: ['# objects', '*.o', '!keep.o', '[', '/build/ '], include: ['*.py']}");
  core::file_rules out;
  io::read_sync(doc.read, doc.root, doc.field, out);
  CHECK(out.ignore == strings{"# objects", "*.o", "!keep.o", "/build/ "});
  CHECK(out.include == strings{"*.py"});
  CHECK(doc.codes() == "bad_pattern");
}

TEST_CASE("what vouches for content has its word", "[io][workflow]") {
  test::read_document doc("{verify: sha256}");
  core::file_rules out;
  io::read_sync(doc.read, doc.root, doc.field, out);
  CHECK(out.sha256);
  test::read_document plain("{verify: xxh3}");
  io::read_sync(plain.read, plain.root, plain.field, out);
  CHECK_FALSE(out.sha256);
  test::read_document wrong("{verify: md5}");
  io::read_sync(wrong.read, wrong.root, wrong.field, out);
  CHECK(wrong.codes() == "unknown_choice");
}

TEST_CASE("an empty sync says nothing", "[io][workflow]") {
  test::read_document doc("{}");
  core::file_rules out;
  io::read_sync(doc.read, doc.root, doc.field, out);
  CHECK(out == core::file_rules{});
  CHECK(doc.codes().empty());
}
