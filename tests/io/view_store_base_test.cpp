// The trees of a run on a node: what becomes of them when it gets a base again, and when it comes back.
#include "maze/io/view_store.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree_folders.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
namespace fs = std::filesystem;

namespace {

struct fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  core::file_map files{{"a", file("alpha")}};

  [[nodiscard]] core::file_entry file(const std::string& content) const {
    const auto blob = store->put_bytes(content).value();
    return {.hash = blob.hash, .size = blob.size};
  }
  [[nodiscard]] std::unique_ptr<io::view_store> views() const {
    return std::make_unique<io::view_store>(store, io::view_store::options{.root = dir / "run"});
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "the tree of an unchanged base is not built again", "[io][view_store]") {
  const auto sut = views();
  REQUIRE(sut->set_base(files));
  // Building it would need the content.
  REQUIRE(fs::remove(store->path_of(files.at("a").hash)));
  REQUIRE(sut->set_base({}));
  REQUIRE(sut->set_base(files));
  const auto view = sut->make("v", {}, std::nullopt).value();
  REQUIRE(view.lower.size() == 1);
  CHECK(io::read_file(view.lower[0] / "a", 100).value() == "alpha");
}

TEST_CASE_METHOD(fixture, "siblings share a tree, and unused trees go", "[io][view_store]") {
  auto sut = views();
  const auto trees = [&] {
    std::ptrdiff_t out = 0;
    for (const auto& folder : test::tree_folders(dir / "run"))
      out += std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    return out;
  };
  REQUIRE(sut->set_base(files));
  CHECK(trees() == 1);
  const core::manifest_delta published{.written = {{"a", file("new")}}};
  const auto first = sut->make("1", published, std::nullopt).value();
  const auto second = sut->make("2", published, std::nullopt).value();
  CHECK(first.lower == second.lower);
  CHECK(first.lower.size() == 2);
  CHECK(trees() == 2);
  for (int i = 0; i < 20; ++i) {
    const auto other =
        sut->make("x", {.written = {{"a", file(std::to_string(i))}}}, std::nullopt).value();
    REQUIRE(sut->remove(other));
  }
  CHECK(trees() == 10);
  CHECK(fs::exists(first.lower[0]));
  REQUIRE(sut->remove(first));
  REQUIRE(sut->remove(second));
  sut.reset();
  CHECK(test::tree_folders(dir / "run").empty());
}

TEST_CASE_METHOD(fixture, "a view can be a copy where others are overlays", "[io][view_store]") {
  const auto sut = views();
  REQUIRE(sut->set_base(files));
  const auto copy = sut->make("c", {}, std::nullopt, true).value();
  CHECK(copy.kind == io::view_kind::copy);
  CHECK(io::read_file(copy.folder / "a", 100).value() == "alpha");
  CHECK(sut->make("o", {}, std::nullopt).value().kind == io::view_kind::overlay);
  std::ofstream(copy.folder / "a") << "changed";
  CHECK(sut->collect(copy, {}).value().delta.written.at("a") == file("changed"));
  CHECK(io::read_file(store->path_of(files.at("a").hash), 100).value() == "alpha");
}

TEST_CASE_METHOD(fixture, "a run that comes back to its node loses no tree to its stay of before",
                 "[io][view_store]") {
  auto before = views();
  REQUIRE(before->set_base(files));
  const auto old = before->make("1", {}, std::nullopt).value();
  const auto sut = views();
  REQUIRE(sut->set_base(files));
  const auto view = sut->make("2", {}, std::nullopt).value();
  CHECK(fs::exists(old.lower.at(0)));
  before.reset();
  CHECK(fs::exists(view.lower.at(0)));
  const auto next = sut->make("3", {.written = {{"a", file("new")}}}, std::nullopt).value();
  CHECK(io::read_file(next.lower.at(0) / "a", 100).value() == "new");
  CHECK(test::tree_folders(dir / "run").size() == 1);
}

TEST_CASE_METHOD(fixture, "trees of a process that is gone are removed", "[io][view_store]") {
  fs::create_directories(dir / "run/trees-abc123/b0");
  const auto sut = views();
  REQUIRE(sut->set_base(files));
  CHECK(test::tree_folders(dir / "run").size() == 1);
  CHECK_FALSE(fs::exists(dir / "run/trees-abc123"));
}
