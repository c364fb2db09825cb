#pragma once

#include "maze/core/units.hpp"
#include "maze/io/files.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tar.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <string>
#include <sys/mman.h>
#include <utility>
#include <vector>

namespace maze::test {

/// Enough for all images here.
constexpr core::byte_count image_room_max{std::uint64_t{1} << 20};

using named_contents = std::vector<std::pair<std::string, std::string>>;

/// A file in memory with these bytes.
inline io::unique_fd image_file(const std::string& bytes) {
  io::unique_fd out(::memfd_create("image", MFD_CLOEXEC));
  REQUIRE(io::write_all(out.get(), bytes));
  return out;
}

/// A tar archive of files by name; `->` in front of a content makes it a link. Whatever lies in `bin` can be executed.
inline std::string image_of(const named_contents& files) {
  std::vector<tar_entry> entries;
  for (const auto& [name, content] : files) {
    const bool link = content.starts_with("->");
    entries.push_back({.name = name,
                       .type = link ? '2' : '0',
                       .content = link ? "" : content,
                       .target = link ? content.substr(2) : "",
                       .size = {},
                       .mode = name.starts_with("bin/") ? 0755U : 0644U});
  }
  return tar_of(entries);
}

/// What older engines call the folder of a layer.
inline const std::string layer_folder = std::string(64, 'a');

inline const std::string lower_layer = image_of({{"bin/lower", "1"}});
inline const std::string upper_layer = image_of({{"etc/upper", "2"}});
inline constexpr const char* image_config =
    R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/opt/bin:/bin","ODD=a \"b\" $c\nd",
        "none","=x",7],"User":"root","Volumes":{"/etc":{}},"Entrypoint":["/evil"]},
        "rootfs":{"type":"layers","diff_ids":["sha256:00","sha256:11"]}})";

/// What docker saves: one layer twice, once by a link, around another.
inline named_contents docker_image() {
  return {
      {layer_folder + "/layer.tar", "->../one.tar"},
      {"config.json", image_config},
      {"two.tar", upper_layer},
      {"one.tar", lower_layer},
      {"manifest.json", R"([{"Config":"config.json","RepoTags":["docker.io/library/debian:12"],)"
                        R"("Layers":[")"
                            + layer_folder + R"(/layer.tar","two.tar","one.tar"]}])"}};
}

inline std::string gzip(const std::string& bytes) {
  const scratch_dir dir;
  std::ofstream(dir / "x") << bytes;
  REQUIRE(run({.argv = {"/usr/bin/gzip", (dir / "x").native()}}).status == 0);
  return read_file(dir / "x.gz");
}

} // namespace maze::test
