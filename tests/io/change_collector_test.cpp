#include "maze/io/change_collector.hpp"

#include "maze/io/files.hpp"
#include "maze/io/folders.hpp"
#include "support/needs.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

using namespace maze;
namespace fs = std::filesystem;
using strings = std::vector<std::string>;

namespace {

struct fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  core::file_map base{{"d/x", {.mode = 0644}}, {"d/y/z", {.mode = 0644}}, {"w", {.mode = 0644}}};
  io::change_filter filter;

  fixture() { fs::create_directories(dir / "upper/d"); }
  io::unique_fd upper() { return io::open_folder(AT_FDCWD, dir / "upper").value(); }
  io::changes collect(bool overlay) {
    return io::collect_changes(
               {.root = upper(), .overlay = overlay, .base = base, .filter = filter}, *store)
        .value();
  }
};

/// Marks a folder as the kernel does where an ordinary user mounts; why that cannot be, or nothing.
std::optional<std::string> can_mark_opaque(const fs::path& folder) {
  if (::setxattr(folder.c_str(), "user.overlay.opaque", "y", 1, 0) == 0)
    return std::nullopt;
  return std::string("the file system of the scratch folder keeps no user attributes: ")
         + std::strerror(errno);
}

} // namespace

TEST_CASE_METHOD(fixture, "in a layer, what is not there is unchanged", "[io][collector]") {
  CHECK(collect(true).delta == core::manifest_delta{});
}

TEST_CASE_METHOD(fixture, "in a whole view, what is not there is gone", "[io][collector]") {
  CHECK(collect(false).delta.removed == strings{"d/x", "d/y", "w"});
}

TEST_CASE_METHOD(fixture, "an opaque folder hides what was below", "[io][collector]") {
  MAZE_NEEDS(can_mark_opaque(dir / "upper/d"));
  REQUIRE(io::replace_file(dir / "upper/d/x", "new"));
  const auto found = collect(true);
  CHECK(found.delta.removed == strings{"d/y"});
  CHECK(found.delta.written.size() == 1);
}

TEST_CASE_METHOD(fixture, "a whiteout is a removal, in a layer only", "[io][collector]") {
  REQUIRE(::mknod((dir / "upper/w").c_str(), S_IFCHR, 0) == 0);
  REQUIRE(::mknod((dir / "upper/never").c_str(), S_IFCHR, 0) == 0);
  CHECK(collect(true).delta.removed == strings{"w"});
  const auto refused = io::collect_changes(
      {.root = upper(), .overlay = false, .base = base, .filter = filter}, *store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_payload);
}

TEST_CASE_METHOD(fixture, "what cannot be published is refused with how to leave it out",
                 "[io][collector]") {
  const bool is_link = GENERATE(false, true);
  if (is_link)
    fs::create_symlink("/etc/passwd", dir / "upper/it");
  else
    REQUIRE(::mkfifo((dir / "upper/it").c_str(), 0600) == 0);
  const auto refused = io::collect_changes(
      {.root = upper(), .overlay = true, .base = base, .filter = filter}, *store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.starts_with("the task left it: "));
  CHECK(refused.error().message.ends_with("leave it out with `sync: {ignore: [...]}`"));
}

TEST_CASE_METHOD(fixture, "a file of the base that got one more name is told", "[io][collector]") {
  REQUIRE(io::replace_file(dir / "upper/d/x", "as it was"));
  REQUIRE(io::replace_file(dir / "upper/w", "alone"));
  REQUIRE(io::replace_file(dir / "upper/new", "of two names, but new"));
  fs::create_hard_link(dir / "upper/d/x", dir / "upper/name");
  fs::create_hard_link(dir / "upper/new", dir / "upper/newer");
  CHECK(collect(true).linked == strings{"d/x"});
}

TEST_CASE_METHOD(fixture, "what is included is published, wherever it lies", "[io][collector]") {
  fs::create_directories(dir / "upper/build/deep");
  fs::create_directories(dir / "upper/.git/objects");
  for (const char* path : {"build/a.o", "build/report.html", "build/deep/b.o", "build/deep/c.html",
                           ".git/objects/1", "gen.py", "other.py", "lib.so"})
    REQUIRE(io::replace_file(dir / "upper" / path, path));
  filter = {
      .ignore = io::default_ignores(), .include = {"*.html", "/gen.py"}, .publish = {"lib.so"}};
  filter.ignore.insert(filter.ignore.end(), {"build/", "*.so"});
  const auto found = collect(true);
  strings written;
  for (const auto& [path, entry] : found.delta.written)
    written.push_back(path);
  CHECK(written == strings{"build/deep/c.html", "build/report.html", "gen.py", "lib.so"});
  // Of a folder that stayed behind as a whole only its name is told.
  CHECK(found.ignored == strings{".git", "build/a.o", "build/deep/b.o", "other.py"});
}

TEST_CASE_METHOD(fixture, "a pattern for folders leaves files of that name alone",
                 "[io][collector]") {
  fs::create_directories(dir / "upper/cache");
  REQUIRE(io::replace_file(dir / "upper/cache/x", "1"));
  REQUIRE(io::replace_file(dir / "upper/d/cache", "2"));
  filter.ignore = {"cache/"};
  const auto found = collect(true);
  CHECK(found.delta.written.count("d/cache") == 1);
  CHECK(found.ignored == strings{"cache"});
}

TEST_CASE_METHOD(fixture, "a removal that the task declares counts whatever is left out",
                 "[io][collector]") {
  filter.ignore = {"d/", "w"};
  filter.deletes = {"w", "d/y"};
  CHECK(collect(false).delta.removed == strings{"d/y", "w"});
  REQUIRE(::mknod((dir / "upper/w").c_str(), S_IFCHR, 0) == 0);
  CHECK(collect(true).delta.removed == strings{"w"});
}

TEST_CASE_METHOD(fixture, "a removal counts by the same patterns", "[io][collector]") {
  filter.ignore = {"d/", "w"};
  CHECK(collect(false).delta.removed.empty());
  filter.include = {"d/y/z"};
  CHECK(collect(false).delta.removed == strings{"d/y/z"});
  REQUIRE(::mknod((dir / "upper/w").c_str(), S_IFCHR, 0) == 0);
  CHECK(collect(true).delta.removed.empty());
  filter.ignore = {"w/"};
  CHECK(collect(true).delta.removed == strings{"w"});
}

TEST_CASE_METHOD(fixture, "a name that no path may have is no matter where nothing is published",
                 "[io][collector]") {
  fs::create_directories(dir / "upper/cache");
  REQUIRE(::mkfifo((dir / "upper/cache/pipe").c_str(), 0600) == 0);
  filter = {.ignore = {"cache"}, .include = {"*.txt"}, .publish = {}};
  CHECK(collect(true).ignored == strings{"cache"});
}

TEST_CASE_METHOD(fixture, "in a layer, a file that is as it was shows that it was touched",
                 "[io][collector]") {
  const auto blob = store->put_bytes("same").value();
  base["w"] = base["d/x"] = {.hash = blob.hash, .size = blob.size, .mode = 0600};
  for (const char* path : {"upper/w", "upper/new"})
    REQUIRE(io::replace_file(dir / path, "same", 0600));
  REQUIRE(io::replace_file(dir / "upper/d/x", "other", 0600));
  const bool overlay = GENERATE(true, false);
  CHECK(collect(overlay).touched == (overlay ? strings{"w"} : strings{}));
}
