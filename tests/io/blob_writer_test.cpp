#include "maze/io/blob_writer.hpp"

#include "maze/io/blob_store.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

using namespace maze;
namespace fs = std::filesystem;

namespace {

struct fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();

  static core::blob_id ref_of(const std::string& content) {
    return {.hash = io::hash_bytes(content), .size = content.size()};
  }
  [[nodiscard]] bool clean() const { return fs::is_empty(dir / "store/tmp"); }
  /// Open files of the store, those without a name included.
  [[nodiscard]] static std::size_t open_files() {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& each : fs::directory_iterator("/proc/self/fd"))
      count +=
          fs::read_symlink(each, ignored).native().find("/store/tmp/") != std::string::npos ? 1 : 0;
    return count;
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "content that comes in pieces becomes a blob", "[io][blob_writer]") {
  const std::string content = "some content in pieces";
  auto writer = store->begin_put(ref_of(content)).value();
  CHECK(writer.write(content.substr(0, 5)));
  CHECK(writer.written() == 5);
  CHECK_FALSE(store->has(ref_of(content)));
  CHECK(writer.write(content.substr(5)));
  CHECK(writer.commit().value());
  CHECK(store->has(ref_of(content)));
  CHECK(store->verify(ref_of(content).hash));
  CHECK(clean());
  auto again = store->begin_put(ref_of(content)).value();
  CHECK(again.write(content));
  CHECK_FALSE(again.commit().value());
  CHECK(clean());
}

TEST_CASE_METHOD(fixture, "content that is not as announced leaves nothing", "[io][blob_writer]") {
  auto announced = ref_of("right content");
  SECTION("another hash") {
    auto writer = store->begin_put(announced).value();
    REQUIRE(writer.write("wrong content"));
    const auto done = writer.commit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == core::errc::transfer_error);
    CHECK(done.error().message.find(to_string(announced.hash)) != std::string::npos);
  }
  SECTION("too short") {
    announced.size = 14;
    auto writer = store->begin_put(announced).value();
    REQUIRE(writer.write("right content"));
    CHECK(writer.commit().error().code == core::errc::transfer_error);
  }
  SECTION("too long") {
    auto writer = store->begin_put(announced).value();
    REQUIRE(writer.write("right content"));
    CHECK(writer.write("!").error().code == core::errc::transfer_error);
    CHECK(writer.written() == 13);
  }
  SECTION("at once") {
    CHECK(store->put_expected(announced, "wrong content").error().code
          == core::errc::transfer_error);
  }
  CHECK(clean());
  CHECK_FALSE(store->has(announced.hash));
}

TEST_CASE_METHOD(fixture, "a writer that is given up leaves nothing", "[io][blob_writer]") {
  {
    auto writer = store->begin_put(ref_of("content")).value();
    REQUIRE(writer.write("cont"));
    auto moved = std::move(writer);
    CHECK(moved.written() == 4);
    CHECK(open_files() == 1);
    moved = store->begin_put(ref_of("other")).value();
    CHECK(open_files() == 1);
  }
  CHECK(open_files() == 0);
  CHECK(clean());
}

TEST_CASE_METHOD(fixture, "a writer may outlive the store", "[io][blob_writer]") {
  auto writer = store->begin_put(ref_of("content")).value();
  store.reset();
  REQUIRE(writer.write("content"));
  CHECK(writer.commit().value());
}
