#include "maze/actors/run_files.hpp"

#include "support/builders.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace maze;
using namespace maze::actors;

namespace {

struct files_fixture {
  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();

  /// A run whose snapshot is the one file `in.txt`.
  run_bundle_ptr bundle(const core::digest& content) {
    auto out = std::make_shared<run_bundle>(*test::bundle_of(core::run_id{7}, {test::shell("a")}));
    out->files["in.txt"] = {.hash = content, .size = 5};
    return out;
  }
  run_files::options options() { return {.root = folder / "run", .overlay = false}; }
};

} // namespace

TEST_CASE_METHOD(files_fixture, "an attempt sees the snapshot of its run", "[actors][run_files]") {
  run_files sut(bundle(blobs->put_bytes("hello")->hash), blobs, options());
  CHECK(sut.bundle().run == core::run_id{7});
  const auto views = sut.views();
  REQUIRE(views);
  const auto view = (*views)->make("1-1", {}, std::nullopt);
  REQUIRE(view);
  std::ifstream file(view->mount_point / "in.txt");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "hello");
  CHECK((*views)->remove(*view));
}

TEST_CASE_METHOD(files_fixture, "the folder of the logs is there once a view was asked for",
                 "[actors][run_files]") {
  run_files sut(bundle(blobs->put_bytes("hello")->hash), blobs, options());
  CHECK_FALSE(std::filesystem::exists(sut.logs()));
  REQUIRE(sut.views());
  CHECK(std::filesystem::is_directory(sut.logs()));
  CHECK(*sut.views() == *sut.views());
}

TEST_CASE_METHOD(files_fixture, "a snapshot that is not there fails every attempt alike",
                 "[actors][run_files]") {
  run_files sut(bundle({1, 2}), blobs, options());
  const auto attempt = [&]() -> core::error {
    const auto views = sut.views();
    if (!views)
      return views.error();
    const auto view = (*views)->make("1-1", {}, std::nullopt);
    return view ? core::error{} : view.error();
  };
  const core::error first = attempt();
  CHECK(first.code != core::errc::none);
  CHECK(attempt().code == first.code);
}

TEST_CASE_METHOD(files_fixture, "a folder that cannot be made is named", "[actors][run_files]") {
  std::ofstream(folder / "run") << "a file is in the way";
  run_files sut(bundle(blobs->put_bytes("hello")->hash), blobs, options());
  const auto views = sut.views();
  REQUIRE_FALSE(views);
  CHECK(views.error().message.find((folder / "run").string()) != std::string::npos);
}

TEST_CASE_METHOD(files_fixture, "a snapshot whose content is another is shown to no attempt",
                 "[actors][run_files]") {
  auto changed = std::make_shared<run_bundle>(*bundle(blobs->put_bytes("hello")->hash));
  changed->files.at("in.txt").sha256 = std::string(32, 's');
  run_files sut(changed, blobs, options());
  const auto views = sut.views();
  REQUIRE_FALSE(views);
  CHECK(views.error().message.find("in.txt has SHA-256") == 0);
}
