#include "maze/io/saved_image.hpp"

#include "support/saved_images.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using Catch::Contains;
using test::docker_image;
using test::image_of;
using names = test::named_contents;

namespace {

core::result<std::optional<io::saved_image>> found(const names& files) {
  return io::find_saved_image(test::image_file(image_of(files)).get(), "amd64",
                              test::image_room_max);
}

} // namespace

TEST_CASE("a saved image is told from a file system by its first level", "[io][image]") {
  CHECK_FALSE(found({{"./bin/sh", "x"}, {"manifest.json", "[]"}}).value());
  CHECK_FALSE(found({{"manifest.json", "[{}]"}, {"etc/passwd", ""}}).value());
  CHECK_FALSE(found({{"a.json", "{}"}}).value());
  CHECK_FALSE(found({}).value());
  const auto image = found(docker_image()).value();
  REQUIRE(image);
  CHECK(image->layers == std::vector<std::uint64_t>{3, 2, 3});
  CHECK(image->environment == std::vector<std::string>{"PATH=/opt/bin:/bin", "ODD=a \"b\" $c\nd"});
  CHECK(image->architecture == "amd64");
  const auto packed = test::image_file(test::gzip(image_of(docker_image())));
  CHECK(io::find_saved_image(packed.get(), "amd64", test::image_room_max).value() == image);
}

TEST_CASE("of images in OCI's format that of this machine is taken", "[io][image]") {
  const auto list = [](const char* text) {
    return names{{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
                 {"index.json", text},
                 {"blobs/sha256/aa", R"({"manifests":[
                    {"digest":"sha256:ff","platform":{"os":"linux","architecture":"arm64"}},
                    {"digest":"sha256:bb","platform":{"os":"linux","architecture":"amd64"}},
                    {"digest":"sha256:ee","platform":{"os":"unknown","architecture":"unknown"}}]})"},
                 {"blobs/sha256/bb", R"({"config":{"digest":"sha256:cc"},
                    "layers":[{"digest":"sha256:dd"}]})"},
                 {"blobs/sha256/cc", test::image_config},
                 {"blobs/sha256/dd", test::lower_layer}};
  };
  const auto nested = found(list(R"({"manifests":[{"digest":"sha256:aa"}]})")).value();
  REQUIRE(nested);
  CHECK(nested->layers == std::vector<std::uint64_t>{5});
  CHECK(found(list(R"({"manifests":[{"digest":"sha256:bb"}]})")).value() == nested);
  const auto none = found(list(R"({"manifests":[{"digest":"sha256:bb",
      "platform":{"os":"linux","architecture":"arm64"}}]})"));
  CHECK_THAT(none.error().message, Contains("architecture arm64, and this node is amd64"));
  CHECK_FALSE(found(list(R"({"manifests":[{"digest":"sha256:gone"}]})")));
  CHECK_FALSE(found(list(R"({"manifests":[{"digest":"sha256:../../index.json"}]})")));
}

TEST_CASE("a saved image that is none is refused by what is wrong", "[io][image]") {
  const auto refused = [](names files) {
    const auto image = found(files);
    REQUIRE_FALSE(image);
    return image.error().message;
  };
  auto files = docker_image();
  files.back().second = "[{},{}]";
  CHECK_THAT(refused(files), Contains("holds 2 images"));
  files.back().second = "[7]";
  CHECK_THAT(refused(files), Contains("is not in it"));
  files.back().second = R"([{"Config":"config.json","Layers":[]}])";
  CHECK_THAT(refused(files), Contains("no layers"));
  files.back().second = R"([{"Config":"config.json","Layers":["three.tar"]}])";
  CHECK_THAT(refused(files), Contains("three.tar"));
  files = docker_image();
  files[1].second = "{";
  CHECK_THAT(refused(files), Contains("config.json") && Contains("no JSON"));
  files = docker_image();
  files[3].second = "->" + test::layer_folder + "/layer.tar";
  CHECK_THAT(refused(files), Contains("layer.tar"));
}

TEST_CASE("an archive that is larger than an image may be is refused before it is read",
          "[io][image]") {
  const auto archive = test::tar_of({{.name = "one.tar",
                                      .type = '0',
                                      .content = "begins",
                                      .target = {},
                                      .size = std::uint64_t{2} << 20}});
  const auto image =
      io::find_saved_image(test::image_file(archive).get(), "amd64", test::image_room_max);
  CHECK(image.error().code == core::errc::limit_exceeded);
  CHECK_THAT(image.error().message, Contains("1MiB"));
}

TEST_CASE("a saved image has at most 512 layers", "[io][image]") {
  auto files = docker_image();
  std::string layers = R"("one.tar")";
  for (int i = 0; i < 512; ++i)
    layers += R"(,"one.tar")";
  files.back().second = R"([{"Config":"config.json","Layers":[)" + layers + "]}]";
  CHECK_THAT(found(files).error().message, Contains("more than 512 layers"));
}

TEST_CASE("an image for other machines is refused by both architectures", "[io][image]") {
  auto files = docker_image();
  files[1].second = R"({"architecture":"arm64","os":"linux"})";
  CHECK_THAT(found(files).error().message, Contains("architecture arm64, and this node is amd64")
                                               && Contains("--platform linux/amd64"));
  // What says nothing is for whoever has it.
  files[1].second = R"({"os":"linux"})";
  CHECK(found(files).value()->architecture == "amd64");
}
