#include "maze/io/saved_image.hpp"

#include "maze/io/archive_entries.hpp"
#include "maze/io/files.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tar.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sys/mman.h>

using namespace maze;
using Catch::Contains;
using test::tar_of;

namespace {

using names = std::vector<std::pair<std::string, std::string>>;

io::unique_fd image_file(const std::string& bytes) {
  io::unique_fd out(::memfd_create("image", MFD_CLOEXEC));
  REQUIRE(io::write_all(out.get(), bytes));
  return out;
}

/// Files by name; `->` in front of a content makes it a link.
std::string image_of(const names& files) {
  std::vector<test::tar_entry> entries;
  for (const auto& [name, content] : files) {
    const bool link = content.starts_with("->");
    entries.push_back({.name = name,
                       .type = link ? '2' : '0',
                       .content = link ? "" : content,
                       .target = link ? content.substr(2) : "",
                       .size = {}});
  }
  return tar_of(entries);
}

const std::string lower = image_of({{"etc/lower", "1"}});
const std::string upper = image_of({{"etc/upper", "2"}});
constexpr const char* config =
    R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/opt/bin:/bin","ODD=a \"b\" $c\nd",
        "none","=x",7],"User":"root","Volumes":{"/etc":{}},"Entrypoint":["/evil"]},
        "rootfs":{"type":"layers","diff_ids":["sha256:00","sha256:11"]}})";

/// What older engines call the folder of a layer.
const std::string id(64, 'a');

names docker_image() {
  return {
      {id + "/layer.tar", "->../one.tar"},
      {"config.json", config},
      {"two.tar", upper},
      {"one.tar", lower},
      {"manifest.json", R"([{"Config":"config.json","RepoTags":["docker.io/library/debian:12"],)"
                        R"("Layers":[")"
                            + id + R"(/layer.tar","two.tar","one.tar"]}])"}};
}

core::result<std::optional<io::saved_image>> found(const names& files) {
  return io::find_saved_image(image_file(image_of(files)).get(), "amd64");
}

std::string gzip(const std::string& bytes) {
  const test::scratch_dir dir;
  std::ofstream(dir / "x") << bytes;
  REQUIRE(test::run({.argv = {"/usr/bin/gzip", (dir / "x").native()}}).status == 0);
  return test::read_file(dir / "x.gz");
}

/// What `write_saved_image` makes of an archive, by name.
std::map<std::string, std::string> written(const std::string& archive) {
  const auto from = image_file(archive);
  const auto image = io::find_saved_image(from.get(), "amd64");
  REQUIRE(image);
  REQUIRE(*image);
  const io::unique_fd to(::memfd_create("to", MFD_CLOEXEC));
  REQUIRE(io::write_saved_image(from.get(), **image, "localhost/maze:1", to.get()));
  auto in = io::entry_reader::open(to.get()).value();
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
  const auto packed = image_file(gzip(image_of(docker_image())));
  CHECK(io::find_saved_image(packed.get(), "amd64").value() == image);
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
                 {"blobs/sha256/cc", config},
                 {"blobs/sha256/dd", lower}};
  };
  const auto nested = found(list(R"({"manifests":[{"digest":"sha256:aa"}]})")).value();
  REQUIRE(nested);
  CHECK(nested->layers == std::vector<std::uint64_t>{5});
  CHECK(found(list(R"({"manifests":[{"digest":"sha256:bb"}]})")).value() == nested);
  const auto none = found(list(R"({"manifests":[{"digest":"sha256:bb",
      "platform":{"os":"linux","architecture":"arm64"}}]})"));
  CHECK_THAT(none.error().message, Contains("holds 0 images for this machine"));
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
  files[3].second = "->" + id + "/layer.tar";
  CHECK_THAT(refused(files), Contains("layer.tar"));
}

TEST_CASE("of a saved image its layers and variables are taken, and no name", "[io][image]") {
  const auto files = written(image_of(docker_image()));
  const std::string one = hash_of(lower) + ".tar";
  const std::string two = hash_of(upper) + ".tar";
  REQUIRE(files.size() == 4);
  CHECK(files.at(one) == lower);
  CHECK(files.at(two) == upper);
  CHECK(files.at("manifest.json")
        == fmt::format(R"([{{"Config":"config.json","Layers":["{0}","{1}","{0}"],)"
                       R"("RepoTags":["localhost/maze:1"]}}])",
                       one, two));
  CHECK(files.at("config.json")
        == fmt::format(R"({{"architecture":"amd64","config":{{"Env":["PATH=/opt/bin:/bin",)"
                       R"("ODD=a \"b\" $c\nd"]}},"os":"linux","rootfs":{{"diff_ids":[)"
                       R"("sha256:{0}","sha256:{1}","sha256:{0}"],"type":"layers"}}}})",
                       hash_of(lower), hash_of(upper)));
  auto packed = docker_image();
  packed[3].second = gzip(lower);
  CHECK(written(gzip(image_of(packed))) == files);
}
