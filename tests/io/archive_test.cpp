#include "maze/io/archive.hpp"

#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"
#include "support/tar.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace maze;

namespace {

using test::tar_entry;
using test::tar_of;

struct fixture {
  test::scratch_dir dir{"/dev/shm"};
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  io::archive_limits limits;

  static io::unique_fd memory() { return io::unique_fd(::memfd_create("archive", MFD_CLOEXEC)); }
  core::result<core::file_map> unpack(const std::string& bytes) {
    const auto file = memory();
    REQUIRE(io::write_all(file.get(), bytes));
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    return io::unpack_archive(file.get(), *store, limits);
  }
  std::string pack(const core::file_map& files,
                   io::archive_compression how = io::archive_compression::none) {
    const auto file = memory();
    REQUIRE(io::pack_archive(files, *store, file.get(), how));
    return io::read_all(file.get(), 1 << 26).value();
  }
  core::file_entry file(const std::string& content, std::uint32_t mode = 0644) {
    const auto stored = store->put_bytes(content).value();
    return {.kind = core::file_kind::file, .hash = stored.hash, .size = stored.size, .mode = mode};
  }
  core::file_map tree() {
    return {{"a", file("content", 0755)},
            {"empty", file("")},
            {"d", {.kind = core::file_kind::directory, .mode = 0700}},
            {"d/large", file(std::string(3'000'000, 'x'))},
            {"d/link", {.kind = core::file_kind::symlink, .mode = 0777, .target = "../a"}},
            {"\xff\xfe name\n", file("odd")},
            {std::string(200, 'l') + '/' + std::string(200, 'm'), file("long")}};
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "a tree comes out of an archive as it went in", "[io][archive]") {
  const auto how = GENERATE(io::archive_compression::none, io::archive_compression::zstd);
  const auto files = tree();
  const auto bytes = pack(files, how);
  CHECK(pack(files, how) == bytes);
  store.reset();
  store = io::blob_store::open(dir / "other", {.durable = false}).value();
  CHECK(unpack(bytes).value() == files);
  for (const auto& [path, entry] : files)
    if (entry.kind == core::file_kind::file)
      CHECK(store->verify(entry.hash));
}

TEST_CASE_METHOD(fixture, "what other programs write is read", "[io][archive]") {
  const auto files = unpack(tar_of({{.name = "./", .type = '5'},
                                    {.name = "./d/", .type = '5', .mode = 0750},
                                    {.name = "./d/f", .content = "content", .mode = 06755},
                                    {.name = "./h", .type = '1', .target = "./d/f"},
                                    {.name = "D/f", .content = "other"}}))
                         .value();
  CHECK(files
        == core::file_map{{"d", {.kind = core::file_kind::directory, .mode = 0750}},
                          {"d/f", file("content", 0755)},
                          {"h", file("content", 0755)},
                          {"D/f", file("other")}});
}

TEST_CASE_METHOD(fixture, "an archive that would reach out of its tree is refused by name",
                 "[io][archive]") {
  const auto [name, entries] = GENERATE(table<std::string, std::vector<tar_entry>>(
      {{"../x", {{.name = "../x", .content = "!"}}},
       {"a/../../x", {{.name = "a/../../x", .content = "!"}}},
       {"/etc/x", {{.name = "/etc/x", .content = "!"}}},
       {"link", {{.name = "link", .type = '2', .target = "/etc/passwd"}}},
       {"d/link", {{.name = "d/link", .type = '2', .target = "../../x"}}},
       {"link/x",
        {{.name = "link", .type = '2', .target = "d"}, {.name = "link/x", .content = "!"}}},
       {"file/x", {{.name = "file", .content = "1"}, {.name = "file/x", .content = "!"}}},
       {"hard", {{.name = "hard", .type = '1', .target = "/etc/passwd"}}},
       {"hard",
        {{.name = "s", .type = '2', .target = "x"}, {.name = "hard", .type = '1', .target = "s"}}},
       {"character", {{.name = "character", .type = '3'}}},
       {"block", {{.name = "block", .type = '4'}}},
       {"fifo", {{.name = "fifo", .type = '6'}}},
       {"twice", {{.name = "twice", .content = "1"}, {.name = "./twice", .content = "2"}}}}));
  const auto done = unpack(tar_of(entries));
  REQUIRE_FALSE(done);
  INFO(done.error().message);
  CHECK(done.error().code == core::errc::malformed);
  CHECK(done.error().message.find(name) != std::string::npos);
}

TEST_CASE_METHOD(fixture, "an archive that lies about sizes is refused", "[io][archive]") {
  auto cut = tar_of({{.name = "f", .content = std::string(5000, 'x')}});
  cut.resize(2000);
  CHECK(unpack(cut).error().code == core::errc::malformed);
  CHECK(unpack(tar_of({{.name = "f", .content = "x", .size = 1 << 20}})).error().code
        == core::errc::malformed);
  limits.bytes_max = 1000;
  const auto huge = unpack(tar_of({{.name = "f", .content = "x", .size = 077777777777}}));
  CHECK(huge.error().code == core::errc::limit_exceeded);
}

TEST_CASE_METHOD(fixture, "an archive that grows beyond the limits is refused", "[io][archive]") {
  core::file_map files;
  for (int i = 0; i < 20; ++i)
    files.emplace("zeros" + std::to_string(i), file(std::string(2'000'000, '\0')));
  const auto bomb = pack(files, io::archive_compression::zstd);
  REQUIRE(bomb.size() < 100'000);
  SECTION("in bytes") { limits.bytes_max = 10'000'000; }
  SECTION("in entries") { limits.entries_max = 19; }
  SECTION("in names") { limits.names_max = 100; }
  CHECK(unpack(bomb).error().code == core::errc::limit_exceeded);
}

TEST_CASE_METHOD(fixture, "what is no archive is refused", "[io][archive]") {
  for (const std::string bytes : {"nonsense", "\x1f\x8b\x08\x01\x02", "\x28\xb5\x2f\xfd nonsense"})
    CHECK(unpack(bytes).error().code == core::errc::malformed);
}

TEST_CASE_METHOD(fixture, "a blob that is not there or not whole cannot be packed",
                 "[io][archive]") {
  const auto out = memory();
  auto entry = file("content");
  entry.size = 8;
  CHECK(io::pack_archive({{"f", entry}}, *store, out.get(), io::archive_compression::none)
            .error()
            .code
        == core::errc::object_lost);
  entry.hash.low ^= 1;
  CHECK(io::pack_archive({{"f", entry}}, *store, out.get(), io::archive_compression::none)
            .error()
            .code
        == core::errc::not_found);
}
