#include "maze/io/image_layer.hpp"

#include "support/saved_images.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using Catch::Contains;
using test::tar_of;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

core::result<io::image_layer> layer_in(const std::string& bytes,
                                       std::uint64_t most = test::image_room_max.value) {
  const auto file = test::image_file(bytes);
  auto from = io::unpacked_bytes::open(file.get());
  if (!from)
    return core::fail(from.error());
  io::image_room room(core::byte_count{most});
  return io::read_layer(*from, room);
}

std::string entries(std::size_t count, const std::string& content) {
  std::vector<test::tar_entry> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(
        {.name = std::to_string(i), .type = '0', .content = content, .target = {}, .size = {}});
  return tar_of(out);
}

} // namespace

TEST_CASE("an image has room until its limit, and files take whole blocks", "[io][image]") {
  io::image_room room(core::byte_count{8192});
  CHECK(room.take_file(0));
  CHECK(room.taken() == 4096);
  CHECK(room.take_file(4096));
  CHECK(room.taken() == 8192);
  CHECK(room.take(0));
  const auto full = room.take(1);
  CHECK(full.error().code == core::errc::limit_exceeded);
  CHECK_THAT(full.error().message, Contains("8KiB") && Contains("--image-size"));
  CHECK_FALSE(room.take_file(~std::uint64_t{0} >> 1));
}

TEST_CASE("a layer is known by its bytes, packed or not", "[io][image]") {
  const auto plain = layer_in(test::lower_layer).value();
  CHECK(plain.size == test::lower_layer.size());
  CHECK(plain.has_programs);
  CHECK(plain.has_end);
  const auto packed = layer_in(test::gzip(test::lower_layer)).value();
  CHECK(packed.hash == plain.hash);
  CHECK_FALSE(layer_in(test::upper_layer)->has_programs);
  // A program without anything in it is none.
  CHECK_FALSE(layer_in(test::image_of({{"bin/empty", ""}, {"x", "->bin/empty"}}))->has_programs);
}

TEST_CASE("layers without any entry are layers", "[io][image]") {
  CHECK(layer_in(std::string(1024, '\0'))->size == 1024);
  CHECK(layer_in("")->size == 0);
}

TEST_CASE("what a layer unpacks to is bounded, whatever it is packed in", "[io][image]") {
  const auto too_much = [](const std::string& bytes) {
    const auto layer = layer_in(bytes);
    return !layer && layer.error().code == core::errc::limit_exceeded;
  };
  const std::string bomb = test::gzip(entries(2, std::string(mebibyte, '\0')));
  REQUIRE(bomb.size() < 10'000);
  CHECK(too_much(bomb));
  CHECK(too_much(test::gzip(bomb)));
  // Told by what an entry says of itself, before it is read.
  CHECK(too_much(tar_of({{.name = "a",
                          .type = '0',
                          .content = "begins",
                          .target = {},
                          .size = std::uint64_t{1} << 32}})));
  // Each takes a block, however little is in it.
  CHECK(too_much(entries(257, "")));
  CHECK(layer_in(entries(200, "")));
  // Behind the end of the archive, too.
  CHECK(too_much(test::gzip(test::lower_layer + std::string(mebibyte, '\0'))));
}

TEST_CASE("a file of holes counts with its length", "[io][image]") {
  const test::scratch_dir dir;
  REQUIRE(test::run({.argv = {"/bin/sh", "-c",
                              "truncate -s 2M holes && tar -S -cf old.tar --format=gnu holes && "
                              "tar -S -cf new.tar --format=posix holes"},
                     .working_directory = dir.path()})
              .status
          == 0);
  for (const char* name : {"old.tar", "new.tar"}) {
    INFO(name);
    const std::string archive = test::read_file(dir / name);
    REQUIRE(archive.size() < 20'000);
    CHECK(layer_in(archive).error().code == core::errc::limit_exceeded);
    CHECK(layer_in(archive, 3 * mebibyte));
  }
}

TEST_CASE("what is no archive, or is cut off, is no layer", "[io][image]") {
  CHECK(layer_in("this is a text, and no archive at all\n").error().code == core::errc::malformed);
  const std::string whole = entries(2, std::string(3000, 'x'));
  CHECK(layer_in(whole.substr(0, 1024)).error().code == core::errc::malformed);
  const std::string packed = test::gzip(whole);
  CHECK(layer_in(packed.substr(0, packed.size() / 2)).error().code == core::errc::malformed);
  // Between two entries nothing shows but that the end is missing.
  CHECK_FALSE(layer_in(whole.substr(0, 512 + 3072))->has_end);
  CHECK(layer_in(whole.substr(0, whole.size() - 512))->has_end);
  CHECK(layer_in(whole + "and more")->has_end);
}
