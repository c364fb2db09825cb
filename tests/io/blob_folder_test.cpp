#include "maze/io/blob_folder.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/stat.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

using naming = io::blob_folder::naming;

struct fixture {
  test::scratch_dir dir;
  naming wish = GENERATE(naming::at_the_end, naming::at_once);
  std::shared_ptr<io::blob_folder> folder =
      io::blob_folder::open(dir / "store", true, wish).value();

  /// Settles `content` under its own hash.
  core::result<bool> settle(const std::string& content) {
    auto file = folder->make_temporary().value();
    REQUIRE(io::write_all(file.fd.get(), content));
    return folder->settle(std::move(file), seen(content));
  }
  static io::hashed_content seen(const std::string& content) {
    return {.hash = io::hash_bytes(content), .size = content.size()};
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a temporary file becomes a blob once", "[io][blob_folder]") {
  CHECK(settle("content").value());
  CHECK_FALSE(settle("content").value());
  CHECK(fs::is_empty(folder->root() / "tmp"));
  const auto blob = folder->root() / "blobs" / io::blob_name(seen("content").hash);
  CHECK(io::read_file(blob, 100).value() == "content");
  struct stat status {};
  REQUIRE(::stat(blob.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == io::blob_folder::blob_mode);
  CHECK(folder->flush());
}

TEST_CASE_METHOD(fixture, "presence can ask for the length too", "[io][blob_folder]") {
  REQUIRE(settle("content"));
  const auto hash = seen("content").hash;
  CHECK(folder->present(hash, std::nullopt));
  CHECK(folder->present(hash, 7));
  CHECK_FALSE(folder->present(hash, 8));
  CHECK_FALSE(folder->present(seen("other").hash, std::nullopt));
}

TEST_CASE_METHOD(fixture, "a blob of another length under the same hash is replaced",
                 "[io][blob_folder]") {
  REQUIRE(settle("content"));
  fs::resize_file(folder->root() / "blobs" / io::blob_name(seen("content").hash), 3);
  CHECK(settle("content").value());
  CHECK(folder->present(seen("content").hash, 7));
  CHECK(fs::is_empty(folder->root() / "tmp"));
}

TEST_CASE_METHOD(fixture, "a file that is not finished is seen nowhere", "[io][blob_folder]") {
  const auto file = folder->make_temporary().value();
  REQUIRE(io::write_all(file.fd.get(), "half"));
  CHECK(fs::is_empty(folder->root() / "blobs"));
  // One without a name needs no sweeping when the process ends here.
  CHECK(fs::is_empty(folder->root() / "tmp") == file.name.empty());
  CHECK((wish == naming::at_the_end || !file.name.empty()));
}

TEST_CASE_METHOD(fixture, "a dropped file and a removed blob are gone", "[io][blob_folder]") {
  const auto file = folder->make_temporary().value();
  folder->drop(file.name);
  CHECK(fs::is_empty(folder->root() / "tmp"));
  REQUIRE(settle("content"));
  std::ofstream(folder->root() / "modes" / (to_string(seen("content").hash) + ".755")) << "content";
  folder->remove(seen("content").hash);
  CHECK_FALSE(folder->present(seen("content").hash, std::nullopt));
  CHECK(fs::is_empty(folder->root() / "modes"));
  CHECK(folder->flush());
}

TEST_CASE_METHOD(fixture, "folders are open once at a time", "[io][blob_folder]") {
  const auto second = io::blob_folder::open(dir / "store", true);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == core::errc::already_exists);
}

TEST_CASE_METHOD(fixture, "a sweep removes what nobody asked for, with its variants",
                 "[io][blob_folder]") {
  REQUIRE(settle("goes"));
  REQUIRE(settle("stays"));
  const auto goes = seen("goes").hash;
  const auto stays = seen("stays").hash;
  std::ofstream(folder->root() / "modes" / (to_string(goes) + ".755")) << "goes";
  std::ofstream(folder->root() / "modes" / (to_string(stays) + ".755")) << "stays";
  CHECK(folder->list().value().size() == 2);
  const auto swept = folder->sweep({goes, seen("never there").hash}).value();
  CHECK(swept.removed == std::vector{goes});
  CHECK(swept.bytes == 4);
  CHECK(swept.claimed.empty());
  CHECK(folder->list().value() == std::vector{stays});
  CHECK_FALSE(fs::exists(folder->root() / "modes" / (to_string(goes) + ".755")));
  CHECK(fs::exists(folder->root() / "modes" / (to_string(stays) + ".755")));
  CHECK(settle("goes").value());
  CHECK(folder->flush());
}

TEST_CASE("a sweep spares what was brought or asked for a moment ago", "[io][blob_folder]") {
  const test::scratch_dir dir;
  std::vector<core::digest> hashes;
  {
    const auto before = io::blob_folder::open(dir / "store", false).value();
    for (const std::string content : {"old", "asked"}) {
      auto file = before->make_temporary().value();
      REQUIRE(io::write_all(file.fd.get(), content));
      hashes.push_back(io::hash_bytes(content));
      REQUIRE(before->settle(std::move(file), {.hash = hashes.back(), .size = content.size()}));
    }
  }
  const auto sut =
      io::blob_folder::open(dir / "store", false, naming::at_the_end, std::chrono::hours(1))
          .value();
  auto file = sut->make_temporary().value();
  REQUIRE(io::write_all(file.fd.get(), "brought"));
  hashes.push_back(io::hash_bytes("brought"));
  REQUIRE(sut->settle(std::move(file), {.hash = hashes.back(), .size = 7}));
  CHECK(sut->present(hashes[1], std::nullopt));
  const auto swept = sut->sweep(hashes).value();
  CHECK(swept.removed == std::vector{hashes[0]});
  CHECK(swept.claimed == std::vector{hashes[1], hashes[2]});
  CHECK(swept.claimed_bytes == 12);
  CHECK(sut->list().value().size() == 2);
}
