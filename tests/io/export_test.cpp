#include "maze/io/export.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/stat.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

struct fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  fs::path out = dir / "here/out";
  core::file_map files = {
      {"a.svg", file("a")},
      {"d", {.kind = core::file_kind::directory, .mode = 0750}},
      {"d/b.svg", file("b", 0600)},
      {"d/c.txt", file("c")},
      {"link", {.kind = core::file_kind::symlink, .mode = 0777, .target = "d"}}};

  core::file_entry file(const std::string& content, std::uint32_t mode = 0644) {
    const auto blob = store->put_bytes(content).value();
    return {.hash = blob.hash, .size = blob.size, .mode = mode};
  }
  static std::size_t entries_of(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "everything is written with its mode", "[io][export]") {
  CHECK(io::export_files(files, {}, *store, out).value() == files);
  CHECK(io::read_file(out / "d/b.svg", 10).value() == "b");
  CHECK(fs::read_symlink(out / "link") == "d");
  CHECK(fs::status(out / "d").permissions() == fs::perms(0750));
  CHECK(fs::status(out / "d/b.svg").permissions() == fs::perms(0600));
  CHECK(entries_of(dir / "here") == 1);
  std::ofstream(out / "a.svg") << "mine now";
  for (const auto& [path, entry] : files)
    if (entry.kind == core::file_kind::file)
      CHECK(store->verify(entry.hash));
}

TEST_CASE_METHOD(fixture, "globs choose files and whole folders", "[io][export]") {
  CHECK(io::export_files(files, {"*.svg"}, *store, dir / "1")->size() == 2);
  CHECK(fs::exists(dir / "1/d/b.svg"));
  CHECK_FALSE(fs::exists(dir / "1/d/c.txt"));
  CHECK(io::export_files(files, {"d"}, *store, dir / "2")->size() == 3);
  CHECK(io::export_files(files, {"nothing"}, *store, dir / "3")->empty());
  CHECK(fs::is_empty(dir / "3"));
}

TEST_CASE_METHOD(fixture, "an empty folder is filled and stays the same folder", "[io][export]") {
  fs::create_directories(out);
  struct stat before {};
  struct stat after {};
  REQUIRE(::stat(out.c_str(), &before) == 0);
  CHECK(io::export_files(files, {}, *store, out / ""));
  REQUIRE(::stat(out.c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
  CHECK(entries_of(out) == 3);
}

TEST_CASE_METHOD(fixture, "nothing existing is overwritten or followed", "[io][export]") {
  fs::create_directories(dir / "full/x");
  fs::create_directory(dir / "empty");
  fs::create_directory_symlink("empty", dir / "link");
  std::ofstream(dir / "file") << "x";
  for (const auto* name : {"full", "link", "file"}) {
    const auto refused = io::export_files(files, {}, *store, dir / name);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::already_exists);
    CHECK(refused.error().message.find(name) != std::string::npos);
  }
  CHECK(fs::is_empty(dir / "empty"));
}

TEST_CASE_METHOD(fixture, "an export that fails leaves nothing", "[io][export]") {
  fs::remove(store->path_of(files.at("d/c.txt").hash));
  const auto refused = io::export_files(files, {}, *store, out);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::not_found);
  CHECK(fs::is_empty(dir / "here"));
  fs::create_directories(out);
  CHECK_FALSE(io::export_files(files, {}, *store, out));
  CHECK(fs::is_empty(out));
  CHECK_FALSE(io::export_files({{"../x", files.at("a.svg")}}, {}, *store, dir / "bad"));
  CHECK_FALSE(fs::exists(dir / "bad"));
}

TEST_CASE_METHOD(fixture, "nothing is written where content is not what its SHA-256 says",
                 "[io][export]") {
  REQUIRE(store->seal(files));
  CHECK(io::export_files(files, {}, *store, dir / "sealed").value() == files);
  files.at("d/b.svg").sha256 = files.at("a.svg").sha256;
  const auto told = io::export_files(files, {}, *store, out);
  REQUIRE_FALSE(told);
  CHECK(told.error().message.find("d/b.svg has SHA-256 ") == 0);
  CHECK_FALSE(fs::exists(out));
}
