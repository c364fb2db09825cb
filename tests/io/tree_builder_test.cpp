#include "maze/io/tree_builder.hpp"

#include "maze/io/folders.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>

using namespace maze;
namespace fs = std::filesystem;
using strings = std::vector<std::string>;

namespace {

core::file_entry file(std::uint64_t content) { return {.hash = {.high = 1, .low = content}}; }
core::file_entry folder(std::uint32_t mode = 0755) {
  return {.kind = core::file_kind::directory, .mode = mode};
}

} // namespace

TEST_CASE("only the topmost of what is gone is hidden", "[io][tree_builder]") {
  const core::file_map below{{"a", file(1)},   {"d", folder()},      {"d/x", file(1)},
                             {"d/y", file(2)}, {"imp/s/1", file(1)}, {"imp/s/2", file(1)},
                             {"f", file(1)}};
  CHECK(io::difference_of(below, below).files.empty());
  CHECK(io::difference_of(below, below).hidden.empty());
  CHECK(io::difference_of({}, below).hidden == strings{"a", "d", "f", "imp"});
  auto wanted = below;
  wanted.erase("imp/s/2");
  wanted.erase("d/x");
  CHECK(io::difference_of(wanted, below).hidden == strings{"d/x", "imp/s/2"});
  // A file in the place of a folder hides what lay below it, and the other way round.
  const core::file_map turned{{"d", file(9)}, {"f/new", file(1)}, {"imp", file(1)}};
  const auto difference = io::difference_of(turned, below);
  CHECK(difference.files == turned);
  CHECK(difference.hidden == strings{"a"});
}

TEST_CASE("a tree has links to blobs, links, folders and their modes", "[io][tree_builder]") {
  const test::scratch_dir dir;
  const auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  const auto blob = store->put_bytes("x").value();
  const core::file_entry entry{.hash = blob.hash, .size = 1};
  const core::file_map files{{"closed", folder(0500)},
                             {"closed/f", entry},
                             {"implied/deep/f", entry},
                             {"l", {.kind = core::file_kind::symlink, .target = "closed"}}};
  const auto root = io::make_folder(AT_FDCWD, dir / "tree", 0755).value();
  const core::file_map around{{"implied", folder(0711)}};
  REQUIRE(io::build_tree({.files = files, .surroundings = around}, *store, root.get()));
  CHECK(fs::status(dir / "tree/closed").permissions() == fs::perms(0500));
  CHECK(fs::status(dir / "tree/implied").permissions() == fs::perms(0711));
  CHECK(fs::status(dir / "tree/implied/deep").permissions() == fs::perms(0755));
  CHECK(fs::equivalent(dir / "tree/closed/f", store->path_of(blob.hash)));
  CHECK(fs::read_symlink(dir / "tree/l") == "closed");
}
