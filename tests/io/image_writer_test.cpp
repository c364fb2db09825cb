#include "maze/io/image_writer.hpp"

#include "maze/io/archive_entries.hpp"
#include "support/saved_images.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>

using namespace maze;
using Catch::Contains;
using test::docker_image;
using test::image_of;

namespace {

/// As maze-image does it.
core::result<std::string> image_made_of(const std::string& archive,
                                        core::byte_count most = test::image_room_max,
                                        const std::string& folder = "/srv/images") {
  const auto from = test::image_file(archive);
  const io::unique_fd to(::memfd_create("to", MFD_CLOEXEC));
  const io::written_image as{.name = "localhost/maze:1", .folder = folder, .size_max = most};
  const auto image = io::find_saved_image(from.get(), "amd64", most);
  if (!image)
    return core::fail(image.error());
  const auto done = *image ? io::write_saved_image(from.get(), **image, as, to.get())
                           : io::write_file_system(from.get(), "amd64", as, to.get());
  if (!done)
    return core::fail(done.error());
  return io::read_all(to.get(), std::uint64_t{1} << 24);
}

/// What is in such an archive, by name.
std::map<std::string, std::string> files_made_of(const std::string& archive) {
  const auto file = test::image_file(image_made_of(archive).value());
  auto in = io::entry_reader::open(file.get()).value();
  std::map<std::string, std::string> out;
  while (const auto entry = in.next().value())
    out.emplace(entry->name, in.text(entry->size).value());
  return out;
}

std::string hash_of(const std::string& bytes) {
  const test::scratch_dir dir;
  std::ofstream(dir / "x") << bytes;
  return test::run({.argv = {"/usr/bin/sha256sum", (dir / "x").native()}})
      .standard_output.substr(0, 64);
}

} // namespace

TEST_CASE("of a saved image its layers and variables are taken, and no name", "[io][image]") {
  const auto files = files_made_of(image_of(docker_image()));
  const std::string one = hash_of(test::lower_layer) + ".tar";
  const std::string two = hash_of(test::upper_layer) + ".tar";
  REQUIRE(files.size() == 4);
  CHECK(files.at(one) == test::lower_layer);
  CHECK(files.at(two) == test::upper_layer);
  CHECK(files.at("manifest.json")
        == fmt::format(R"([{{"Config":"config.json","Layers":["{0}","{1}","{0}"],)"
                       R"("RepoTags":["localhost/maze:1"]}}])",
                       one, two));
  CHECK(
      files.at("config.json")
      == fmt::format(
          R"({{"architecture":"amd64","config":{{"Env":["PATH=/opt/bin:/bin",)"
          R"("ODD=a \"b\" $c\nd"],"Labels":{{"maze.images":"/srv/images"}}}},"os":"linux","rootfs":{{"diff_ids":[)"
          R"("sha256:{0}","sha256:{1}","sha256:{0}"],"type":"layers"}}}})",
          hash_of(test::lower_layer), hash_of(test::upper_layer)));
  auto packed = docker_image();
  packed[3].second = test::gzip(test::lower_layer);
  CHECK(files_made_of(test::gzip(image_of(packed))) == files);
}

TEST_CASE("a folder whose path is no text does not look as if it were gone", "[io][image]") {
  const auto made = image_made_of(test::lower_layer, test::image_room_max, "/srv/\xff").value();
  CHECK_THAT(made, Contains(R"({"maze.images":"/"})"));
}

TEST_CASE("a file system becomes an image of one layer", "[io][image]") {
  const auto files = files_made_of(test::gzip(test::lower_layer));
  const std::string hash = hash_of(test::lower_layer);
  REQUIRE(files.size() == 3);
  CHECK(files.at(hash + ".tar") == test::lower_layer);
  CHECK_THAT(files.at("config.json"), Contains(R"("architecture":"amd64")") && Contains(hash));
  CHECK_THAT(files.at("manifest.json"), Contains("localhost/maze:1"));
}

TEST_CASE("what only looks like an image is refused by what is wrong", "[io][image]") {
  const auto refused = [](const std::string& archive) {
    const auto made = image_made_of(archive);
    REQUIRE_FALSE(made);
    return made.error().message;
  };
  for (const auto& nothing :
       {image_of({}), image_of({{"etc/passwd", "x"}, {"bin/sh", ""}, {"a", "->b"}})})
    CHECK_THAT(refused(nothing), Contains("no file in it can be executed"));
  auto files = docker_image();
  files[3].second = test::upper_layer;
  CHECK_THAT(refused(image_of(files)), Contains("no file in it can be executed"));
  files[3].second = "no layer";
  CHECK_THAT(refused(image_of(files)), Contains("Unrecognized archive format"));
  const auto& whole = test::lower_layer;
  CHECK_THAT(refused(whole.substr(0, 1024)), Contains("cut off"));
  CHECK_THAT(refused(test::gzip(whole).substr(0, 60)), Contains("truncated gzip"));
}

TEST_CASE("an image that unpacks to more than it may is refused, layers and all", "[io][image]") {
  const auto too_large = [](const std::string& archive) {
    const auto made = image_made_of(archive, core::byte_count{12288});
    return !made && made.error().code == core::errc::limit_exceeded;
  };
  CHECK_FALSE(too_large(test::lower_layer));
  const std::string bomb =
      image_of({{"bin/sh", "x"}, {"zeros", std::string(std::size_t{1} << 16, '\0')}});
  CHECK(too_large(test::gzip(bomb)));
  auto files = docker_image();
  files.erase(files.begin());
  files.back().second = R"([{"Config":"config.json","Layers":["one.tar","two.tar"]}])";
  CHECK_FALSE(image_made_of(image_of(files), core::byte_count{20'000}).has_value() == false);
  // One layer three times takes its room three times.
  files.back().second =
      R"([{"Config":"config.json","Layers":["one.tar","one.tar","one.tar","one.tar","one.tar","one.tar"]}])";
  CHECK(image_made_of(image_of(files), core::byte_count{20'000}).error().code
        == core::errc::limit_exceeded);
  files[2].second = test::gzip(bomb);
  CHECK(image_made_of(image_of(files), core::byte_count{40'000}).error().code
        == core::errc::limit_exceeded);
}
