// What becomes of the base's tree when a view store gets a base again.
#include "maze/io/view_store.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;

TEST_CASE("the tree of an unchanged base is not built again", "[io][view_store]") {
  const test::scratch_dir dir;
  auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  io::view_store views(store, {.root = dir / "run"});
  const auto blob = store->put_bytes("alpha").value();
  const core::file_map files{{"a", {.hash = blob.hash, .size = blob.size}}};
  REQUIRE(views.set_base(files));
  // Building it would need the content.
  REQUIRE(std::filesystem::remove(store->path_of(blob.hash)));
  REQUIRE(views.set_base({}));
  REQUIRE(views.set_base(files));
  const auto view = views.make("v", {}, std::nullopt).value();
  REQUIRE(view.lower.size() == 1);
  CHECK(io::read_file(view.lower[0] / "a", 100).value() == "alpha");
}
