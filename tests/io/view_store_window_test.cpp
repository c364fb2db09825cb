// Views that show a part of what there is.
#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/view_store.hpp"
#include "support/needs.hpp"
#include "support/overlay.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree_folders.hpp"

#include <catch2/catch.hpp>

using namespace maze;
namespace fs = std::filesystem;

namespace {

using window_strings = std::vector<std::string>;

struct windowed_store {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  bool overlay = true;

  [[nodiscard]] std::unique_ptr<io::view_store> views() const {
    return std::make_unique<io::view_store>(
        store, io::view_store::options{.root = dir / "run", .overlay = overlay});
  }
  [[nodiscard]] core::file_entry file(const std::string& content, std::uint32_t mode = 0644) const {
    const auto blob = store->put_bytes(content).value();
    return {.hash = blob.hash, .size = blob.size, .mode = mode};
  }
  static core::file_entry folder(std::uint32_t mode = 0755) {
    return {.kind = core::file_kind::directory, .mode = mode};
  }
  static core::file_entry link_to(std::string target) {
    return {.kind = core::file_kind::symlink, .mode = 0777, .target = std::move(target)};
  }
  /// Half of it is declared by `half`.
  [[nodiscard]] core::file_map some_files() const {
    return {{"in", folder(0750)},          {"in/a", file("alpha")},   {"in/deep/b", file("beta")},
            {"hid", folder(0700)},         {"hid/c", file("gamma")},  {"hid/d", file("delta")},
            {"in/old", file("old", 0640)}, {"link", link_to("in/a")}, {"top", file("top")}};
  }
  static core::file_window half() {
    return {.reads = {"in/a", "in/deep"}, .named = {}, .removable = {"in/old"}};
  }
};

/// A view of half of the files, in each way in which one comes about.
struct windowed_view : windowed_store {
  windowed_view() {
    overlay = GENERATE(true, false);
    sut = views();
    REQUIRE(sut->set_base(some_files()));
  }
  [[nodiscard]] std::optional<std::string> lacks_overlay() const {
    return overlay ? test::can_mount_overlays() : std::nullopt;
  }
  [[nodiscard]] io::view made(const core::file_window& window,
                              const core::manifest_delta& published = {}) const {
    auto view = sut->make("v", published, std::nullopt, false, window);
    INFO((view ? "" : view.error().message));
    REQUIRE(view);
    return *view;
  }
  [[nodiscard]] core::manifest_delta changed(const io::view& view,
                                             const std::string& script) const {
    REQUIRE(test::run_in_view(view, "exec 2>/dev/null; set -e; " + script) == 0);
    auto found = sut->collect(view, {});
    INFO((found ? "" : found.error().message));
    REQUIRE(found);
    REQUIRE(sut->remove(view));
    return found->delta;
  }

  std::unique_ptr<io::view_store> sut;
};

} // namespace

TEST_CASE("the hash of nothing is the one that windows use", "[io][view_store]") {
  CHECK(io::hash_bytes({}) == core::empty_content);
}

TEST_CASE_METHOD(windowed_view, "a view shows what its window shows, and nothing else",
                 "[io][view_store][window]") {
  MAZE_NEEDS(lacks_overlay());
  const auto view = made(
      half(), {.written = {{"in/deep/b", file("new")}, {"more", file("m")}}, .removed = {"hid/d"}});
  CHECK(view.kind == (overlay ? io::view_kind::overlay : io::view_kind::copy));
  CHECK(view.base->size() == 4);
  CHECK(view.withheld->size() == 6);
  CHECK(changed(view, R"sh(
      test "$(find . | sort | tr '\n' ' ')" = '. ./in ./in/a ./in/deep ./in/deep/b ./in/old '
      test "$(cat in/a in/deep/b)" = alphanew; test "$(stat -c %a in)" = 750
      test ! -s in/old; test "$(stat -c %a in/old)" = 640
      ! cat hid/c; ! cat ./hid/../top; ! readlink link; ! ls hid; ! cat more )sh")
        == core::manifest_delta{});
}

TEST_CASE_METHOD(windowed_view, "a window that shows nothing leaves an empty folder",
                 "[io][view_store][window]") {
  const auto view = made({});
  CHECK(view.kind == io::view_kind::empty);
  CHECK(fs::is_empty(view.mount_point));
  CHECK(changed(view, "echo x > y").written.size() == 1);
}

TEST_CASE_METHOD(windowed_view, "a window that shows all changes nothing",
                 "[io][view_store][window]") {
  const auto view = made({.reads = {"**"}, .named = {}, .removable = {}});
  CHECK(*view.base == some_files());
  CHECK(view.withheld == nullptr);
  CHECK(view.lower == sut->make("w", {}, std::nullopt)->lower);
}

TEST_CASE_METHOD(windowed_view, "what is made in the place of something hidden is written",
                 "[io][view_store][window]") {
  MAZE_NEEDS(lacks_overlay());
  const auto delta = changed(made(half()), R"sh(umask 022
      mkdir hid; printf new > hid/c; printf n > hid/new; printf gamma > hid/d; rm hid/new
      mkdir top; printf f > top/f; printf x > link; printf t > in/tmp; rm in/tmp )sh");
  CHECK(delta.removed.empty());
  CHECK(delta.written
        == core::file_map{{"hid/c", file("new")},
                          {"hid/d", file("gamma")},
                          {"link", file("x")},
                          {"top", folder()},
                          {"top/f", file("f")}});
}

TEST_CASE_METHOD(windowed_view, "only what was shown can be removed", "[io][view_store][window]") {
  MAZE_NEEDS(lacks_overlay());
  CHECK(changed(made(half()), "rm in/a in/old; rm -r in/deep; rm -rf hid top link")
        == core::manifest_delta{.written = {}, .removed = {"in/a", "in/deep", "in/old"}});
  CHECK(changed(made(half()), "rm -r in").removed == window_strings{"in"});
  // Something else in its place is no removal.
  CHECK(changed(made(half()), "printf new > t; mv t in/old").written
        == core::file_map{{"in/old", file("new")}});
}

TEST_CASE_METHOD(windowed_store, "attempts with the same window share a tree, others do not",
                 "[io][view_store][window]") {
  const auto sut = views();
  REQUIRE(sut->set_base(some_files()));
  const core::file_window narrow{.reads = {"in/a"}, .named = {}, .removable = {}};
  const core::file_window wide{
      .reads = {"in", "hid/c", "link", "top"}, .named = {}, .removable = {}};
  const auto lower = [&](const char* name, const std::optional<core::file_window>& window) {
    return sut->make(name, {}, std::nullopt, false, window)->lower;
  };
  const auto first = lower("1", narrow);
  CHECK(first == lower("2", narrow));
  // Less than what would have to be hidden.
  REQUIRE(first.size() == 1);
  CHECK_FALSE(fs::exists(first[0] / "top"));
  const auto second = lower("3", wide);
  // Hides one file of the tree of all.
  REQUIRE(second.size() == 2);
  CHECK(second[1] == lower("4", std::nullopt)[0]);
  CHECK(std::distance(fs::recursive_directory_iterator(second[0]), {}) == 2);
}

TEST_CASE_METHOD(windowed_store, "a copy for a container shows no more than an overlay",
                 "[io][view_store][window]") {
  const auto sut = views();
  REQUIRE(sut->set_base(some_files()));
  const auto view = sut->make("c", {}, std::nullopt, true, half()).value();
  CHECK(view.kind == io::view_kind::copy);
  CHECK(std::distance(fs::recursive_directory_iterator(view.folder), {}) == 5);
  CHECK(io::read_file(view.folder / "in/a", 100).value() == "alpha");
  CHECK(io::read_file(view.folder / "in/old", 100).value().empty());
}
