#include "maze/actors/attempt_archive.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

TEST_CASE("an archive that the run brings lies among the blobs of the node",
          "[actors][container]") {
  const test::scratch_dir folder;
  const std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  const auto kept = blobs->put_bytes("files").value();
  run_bundle bundle{.run = core::run_id{7}, .name = "work", .tasks = nullptr};
  bundle.archives = {{"base.tar", {kept.hash, kept.size}}};
  const run_files files(std::make_shared<const run_bundle>(bundle), blobs,
                        {.root = folder / "run"});
  core::sandbox_spec sandbox{.level = core::sandbox_level::container, .image = "base.tar"};
  const auto found = archive_of(sandbox, files);
  REQUIRE(found);
  CHECK(found->path == blobs->path_of(kept.hash));
  CHECK(found->version == core::to_string(kept.hash) + "-5");
  for (const char* image : {"other.tar", "/srv/base.tar", "debian:12"}) {
    sandbox.image = image;
    CHECK_FALSE(archive_of(sandbox, files));
  }
}
