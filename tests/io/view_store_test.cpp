#include "maze/io/view_store.hpp"

#include "maze/io/files.hpp"
#include "maze/io/folders.hpp"
#include "support/needs.hpp"
#include "support/overlay.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree_folders.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

using strings = std::vector<std::string>;

std::optional<std::string> is_root() {
  if (::geteuid() == 0)
    return std::nullopt;
  return "only root can give files away";
}

struct view_fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store = io::blob_store::open(dir / "store", {}).value();
  bool overlay = true;
  std::unique_ptr<io::view_store> views = fresh_views();

  std::unique_ptr<io::view_store> fresh_views() {
    return std::make_unique<io::view_store>(
        store, io::view_store::options{.root = dir / "run", .overlay = overlay});
  }

  core::file_entry file(const std::string& content, std::uint32_t mode = 0644) {
    const auto blob = store->put_bytes(content).value();
    return {.kind = core::file_kind::file, .hash = blob.hash, .size = blob.size, .mode = mode};
  }
  static core::file_entry folder(std::uint32_t mode = 0755) {
    return {.kind = core::file_kind::directory, .mode = mode};
  }
  static core::file_entry link_to(std::string target) {
    return {.kind = core::file_kind::symlink, .mode = 0777, .target = std::move(target)};
  }
  core::file_map some_files() {
    return {{"a", file("alpha")},        {"d", folder()},
            {"d/b", file("beta", 0755)}, {"d/e", folder(0700)},
            {"d/e/c", file("gamma")},    {"implied/x", file("x")},
            {"link", link_to("d/e/c")},  {"removed/1", file("one")},
            {"removed/2", file("two")}};
  }

  io::view made(const std::string& name, const core::manifest_delta& published = {}) {
    auto view = views->make(name, published, std::nullopt);
    INFO((view ? "" : view.error().message));
    REQUIRE(view);
    return *view;
  }
  io::changes collected(const io::view& view, const strings& ignore = {}) {
    auto found = views->collect(view, {.ignore = ignore});
    INFO((found ? "" : found.error().message));
    REQUIRE(found);
    return *found;
  }
  void check_blobs() {
    for (const auto& entry : fs::recursive_directory_iterator(store->root() / "blobs"))
      if (entry.is_regular_file())
        CHECK(store->verify(core::digest_from_string(entry.path().filename().native()).value()));
  }
};

/// Both ways in which a view with files comes about.
struct either_kind : view_fixture {
  either_kind() {
    overlay = GENERATE(true, false);
    views = fresh_views();
  }
  [[nodiscard]] std::optional<std::string> lacks_overlay() const {
    return overlay ? test::can_mount_overlays() : std::nullopt;
  }
};

strings paths_of(const core::file_map& files) {
  strings out;
  for (const auto& [path, entry] : files)
    out.push_back(path);
  return out;
}

const char* const look_around = R"sh(
    test "$(cat a)" = 'new a'; test "$(cat d/b/now/folder)" = deep; test "$(cat implied)" = f
    test ! -e removed; test ! -e d/e/c; test -d d/e; test "$(stat -c %a d/e)" = 700
    test "$(stat -c %a d)" = 755; test "$(readlink link)" = d/e/c
    test "$(ls -A | tr '\n' ' ')" = 'a d implied link '
    test "$(ls -A d | tr '\n' ' ')" = 'b e ' )sh";

const char* const change_much = R"sh(
    printf changed > a; rm d/b; chmod 750 d/e; mkdir d/new; printf n > d/new/f
    rm link; mkdir link; printf inside > link/f
    rm -r removed; mkdir removed; printf two > removed/2; printf three > removed/3
    rm -r implied; printf 'now a file' > implied)sh";

} // namespace

TEST_CASE_METHOD(view_fixture, "an attempt without files gets an empty folder",
                 "[io][view_store]") {
  const auto view = made("1");
  CHECK(view.kind == io::view_kind::empty);
  CHECK(fs::is_empty(view.mount_point));
  CHECK(collected(view).delta == core::manifest_delta{});
  CHECK(views->remove(view));
  CHECK_FALSE(fs::exists(view.folder));
}

TEST_CASE_METHOD(view_fixture, "what is written in an empty view is found", "[io][view_store]") {
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "mkdir -p new/empty; printf data > new/f; chmod 4750 new/f;"
                                  "ln -s f new/link; printf x > top; chmod 000 top; umask 0")
          == 0);
  const auto found = collected(view);
  CHECK(found.delta.written
        == core::file_map{{"new", folder()},
                          {"new/empty", folder()},
                          {"new/f", file("data", 0750)},
                          {"new/link", link_to("f")},
                          {"top", file("x", 0)}});
  CHECK(found.delta.removed.empty());
  CHECK(found.bytes == 5);
  CHECK(views->remove(view));
}

TEST_CASE_METHOD(either_kind, "an attempt sees the base with its ancestors' files over it",
                 "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base(some_files()));
  const core::manifest_delta published{
      .written = {{"a", file("new a")}, {"d/b/now/folder", file("deep")}, {"implied", file("f")}},
      .removed = {"removed", "d/e/c"}};
  const auto view = made("1", published);
  CHECK(view.kind == (overlay ? io::view_kind::overlay : io::view_kind::copy));
  CHECK(test::run_in_view(view, look_around) == 0);
  const auto nothing = collected(view);
  CHECK(nothing.delta == core::manifest_delta{});
  CHECK(nothing.bytes == 0);
  CHECK(views->remove(view));
  check_blobs();
}

TEST_CASE_METHOD(either_kind, "what an attempt changes, adds and removes is found",
                 "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  const auto base = some_files();
  REQUIRE(views->set_base(base));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, change_much) == 0);
  const auto found = collected(view);
  const core::manifest_delta expected{.written = {{"a", file("changed")},
                                                  {"d/e", folder(0750)},
                                                  {"d/new", folder()},
                                                  {"d/new/f", file("n")},
                                                  {"implied", file("now a file")},
                                                  {"link", folder()},
                                                  {"link/f", file("inside")},
                                                  {"removed/3", file("three")}},
                                      .removed = {"d/b", "removed/1"}};
  CHECK(paths_of(found.delta.written) == paths_of(expected.written));
  CHECK(found.delta == expected);
  CHECK(core::check_file_map(core::apply(base, found.delta)));
  CHECK(views->remove(view));
  check_blobs();
}

TEST_CASE_METHOD(either_kind, "touching a file without changing it is no change",
                 "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base(some_files()));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "touch a d/e; chmod 600 a; chmod 644 a; printf alpha > a;"
                                  "printf gamma > d/e/c; touch implied; rm link; ln -s d/e/c link")
          == 0);
  CHECK(collected(view).delta == core::manifest_delta{});
}

TEST_CASE_METHOD(either_kind, "attempts do not see each other", "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base(some_files()));
  const auto first = made("1");
  const auto second = made("2");
  REQUIRE(test::run_in_view(first, "printf first > out; printf evil > a; rm -r d") == 0);
  CHECK(test::run_in_view(second, "test ! -e out; test \"$(cat a)\" = alpha; test -e d/e/c") == 0);
  CHECK(collected(second).delta == core::manifest_delta{});
  CHECK(collected(first).delta.removed == strings{"d"});
  check_blobs();
}

TEST_CASE_METHOD(either_kind, "code and caches stay behind", "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base({{"s.py", file("code")}, {"t.py", file("more")}}));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view,
                            "mkdir -p p/__pycache__ .git; echo 1 > p/__pycache__/x;"
                            "echo 2 > .git/config; echo 3 > s.py; rm t.py; printf ok > p/data")
          == 0);
  const auto found = collected(view, io::default_ignores());
  CHECK(paths_of(found.delta.written) == strings{"p", "p/data"});
  CHECK(found.delta.removed.empty());
  CHECK_THAT(found.ignored,
             Catch::Matchers::UnorderedEquals(strings{".git", "p/__pycache__", "s.py"}));
}

TEST_CASE_METHOD(either_kind, "a task may remove its own folder", "[io][view_store]") {
  const auto view = made("1");
  REQUIRE(view.kind == io::view_kind::empty);
  fs::remove(view.mount_point);
  CHECK(collected(view).delta == core::manifest_delta{});
  CHECK(views->remove(view));
}

TEST_CASE_METHOD(either_kind, "code that a task declares is published", "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base({}));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "mkdir -p p/__pycache__; echo 1 > p/__pycache__/x.pyc;"
                                  "echo 2 > gen.py; echo 3 > other.py")
          == 0);
  const auto found = views->collect(
      view, {.ignore = io::default_ignores(), .publish = {"gen.py", "p/__pycache__"}});
  REQUIRE(found);
  CHECK(paths_of(found->delta.written)
        == strings{"gen.py", "p", "p/__pycache__", "p/__pycache__/x.pyc"});
  CHECK(found->ignored == strings{"other.py"});
}

TEST_CASE_METHOD(either_kind, "what cannot be published is refused by name", "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  const auto [script, name] = GENERATE(table<std::string, std::string>(
      {{"mkfifo dir/pipe", "dir/pipe"},
       {"ln -s /etc/passwd dir/out", "dir/out"},
       {"ln -s ../../x dir/out", "dir/out"},
       {"ln -s \"$(head -c 4000 /dev/zero | tr '\\0' x)/../..\" dir/long", "dir/long"}}));
  REQUIRE(views->set_base({{"a", file("alpha")}}));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "mkdir dir; " + script) == 0);
  const auto refused = views->collect(view, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_payload);
  CHECK(refused.error().message.find(name) != std::string::npos);
  CHECK(views->remove(view));
}

TEST_CASE_METHOD(either_kind, "hostile names and depths come home or are refused",
                 "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base({{"a", file("alpha")}}));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "n=$(printf 'new\\nline\\377'); printf 1 > \"$n\";"
                                  "printf 2 > \"$(head -c 255 /dev/zero | tr '\\0' n)\";"
                                  "i=0; while [ $i -lt 1000 ]; do mkdir d; cd d; i=$((i+1)); done")
          == 0);
  const auto found = collected(view);
  CHECK(found.delta.written.contains("new\nline\xff"));
  CHECK(found.delta.written.contains(std::string(255, 'n')));
  CHECK(found.delta.written.size() == 1002);
  CHECK(views->remove(view));
  const auto deeper = made("2");
  REQUIRE(test::in_child([&] {
            if (!test::enter_own_mounts() || !test::enter_view(deeper))
              return 1;
            auto here = io::open_folder(AT_FDCWD, ".");
            for (int i = 0; here && i < 30; ++i)
              here = io::make_folder(here->get(), std::string(200, 'n'), 0755);
            return here ? 0 : 2;
          })
          == 0);
  const auto refused = views->collect(deeper, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_payload);
  CHECK(refused.error().message.find("4095") != std::string::npos);
  CHECK(refused.error().message.size() < 2000);
  CHECK(views->remove(deeper));
  CHECK(fs::is_empty(dir / "run/views"));
}

TEST_CASE_METHOD(either_kind, "folders that deny everything are read and removed",
                 "[io][view_store]") {
  MAZE_NEEDS(lacks_overlay());
  REQUIRE(views->set_base(some_files()));
  const auto view = made("1");
  REQUIRE(test::run_in_view(view, "mkdir p; printf s > p/f; chmod 000 p/f p d; chmod 000 .") == 0);
  const auto found = collected(view);
  CHECK(found.delta.written
        == core::file_map{{"d", folder(0)}, {"p", folder(0)}, {"p/f", file("s", 0)}});
  CHECK(found.delta.removed.empty());
  CHECK(views->remove(view));
}

TEST_CASE_METHOD(either_kind, "a view's name is one part and used once", "[io][view_store]") {
  for (const auto* name : {"", ".", "..", "a/b", "/"})
    CHECK(views->make(name, {}, std::nullopt).error().code == core::errc::invalid_argument);
  made("1");
  CHECK(views->make("1", {}, std::nullopt).error().code == core::errc::already_exists);
}

TEST_CASE_METHOD(either_kind, "a missing blob leaves no half view", "[io][view_store]") {
  auto lost = file("lost");
  const core::manifest_delta published{.written = {{"x", lost}}};
  fs::remove(store->path_of(lost.hash));
  REQUIRE(views->set_base({{"a", file("alpha")}}));
  const auto refused = views->make("1", published, std::nullopt);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::not_found);
  CHECK(fs::is_empty(dir / "run/views"));
  file("lost");
  made("1", published);
}

TEST_CASE_METHOD(either_kind, "a child with a user of its own owns its view", "[io][view_store]") {
  MAZE_NEEDS(is_root());
  fs::permissions(dir.path(), fs::perms(0711));
  REQUIRE(views->set_base(overlay ? core::file_map{} : some_files()));
  const auto view = views->make("1", {}, io::view_owner{.uid = 60001, .gid = 60001}).value();
  const auto as_user = [&](std::uint32_t id, const char* script) {
    return test::in_child([&] {
      if (::setgid(id) != 0 || ::setuid(id) != 0 || ::chdir(view.mount_point.c_str()) != 0)
        return 99;
      ::execl("/bin/sh", "sh", "-ec", script, nullptr);
      return 98;
    });
  };
  CHECK(as_user(60002, "true") == 99);
  const auto trees = test::tree_folders(dir / "run").at(0).native();
  CHECK(as_user(60001, fmt::format("printf mine > f; for p in .. {} ../../../store; "
                                   "do ! ls $p 2> /dev/null; done",
                                   trees)
                           .c_str())
        == 0);
  if (!overlay)
    CHECK(as_user(60001, "printf mine > a; chmod 600 d/b; rm -r d/e") == 0);
  const auto found = collected(view);
  CHECK(found.delta.written.at("f") == file("mine"));
  struct stat status {};
  REQUIRE(::stat(store->path_of(found.delta.written.at("f").hash).c_str(), &status) == 0);
  CHECK(status.st_uid == 0);
  CHECK(views->remove(view));
  check_blobs();
}

TEST_CASE("an ordinary user has views as well", "[io][view_store]") {
  MAZE_NEEDS(is_root());
  const test::scratch_dir dir("/dev/shm");
  fs::permissions(dir.path(), fs::perms(0777));
  CHECK(test::in_child([&] {
          if (::setgid(60003) != 0 || ::setuid(60003) != 0)
            return 1;
          if (test::can_mount_overlays())
            return 0;
          const auto store = io::blob_store::open(dir / "store", {}).value();
          io::view_store views(store, {.root = dir / "run"});
          const auto blob = store->put_bytes("alpha").value();
          const core::file_entry a{.hash = blob.hash, .size = blob.size};
          if (!views.set_base({{"a", a}, {"gone", a}, {"d/x", a}}))
            return 2;
          const auto view = views.make("1", {.removed = {"gone"}}, std::nullopt).value();
          if (test::run_in_view(view,
                                "test ! -e gone; printf b > a; rm -r d; mkdir d; printf y > d/y;"
                                "chmod 000 a d")
              != 0)
            return 3;
          const auto found = views.collect(view, {});
          if (!found || found->delta.removed != strings{"d/x"} || found->delta.written.size() != 3)
            return 4;
          return views.remove(view) && store->verify(blob.hash) ? 0 : 5;
        })
        == 0);
}
