#include "maze/io/image_writer.hpp"

#include "maze/core/utf8.hpp"
#include "maze/io/archive_entries.hpp"
#include "maze/io/image_layer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::io {

namespace {

using nlohmann::json;

/// Layers by their position in the archive.
using measured_layers = std::map<std::uint64_t, image_layer>;

/// Calls `take` with the reader at each entry that is a layer of `image`, and its position.
template <class Take>
core::result<void> for_each_layer(int from, const saved_image& image, Take take) {
  auto in = entry_reader::open(from);
  if (!in)
    return core::fail(in.error());
  for (std::uint64_t at = 0;; ++at) {
    const auto entry = in->next();
    if (!entry)
      return core::fail(entry.error());
    if (!*entry)
      return {};
    if (std::find(image.layers.begin(), image.layers.end(), at) == image.layers.end())
      continue;
    if (auto done = take(*in, at); !done)
      return done;
  }
}

core::result<void> check_programs(bool has_programs) {
  if (has_programs)
    return {};
  return core::fail(core::errc::invalid_argument,
                    "it is no image: no file in it can be executed. Archives are made of the root "
                    "of a file system (tar -C ROOT -cf base.tar .), or by docker save or podman "
                    "save");
}

core::result<measured_layers> measure(int from, const saved_image& image, image_room room) {
  measured_layers out;
  bool has_programs = false;
  auto done =
      for_each_layer(from, image, [&](entry_reader& in, std::uint64_t at) -> core::result<void> {
        auto bytes = in.unpacked();
        if (!bytes)
          return core::fail(bytes.error());
        const auto before = room.taken();
        auto x = read_layer(*bytes, room);
        if (!x)
          return core::fail(x.error());
        has_programs = has_programs || x->has_programs;
        out.emplace(at, std::move(*x));
        // An engine unpacks it as often as the image has it.
        const auto times = std::count(image.layers.begin(), image.layers.end(), at);
        const auto size = room.taken() - before;
        for (auto i = times; i > 1; --i)
          if (auto fits = room.take(size); !fits)
            return fits;
        return {};
      });
  if (!done)
    return core::fail(done.error());
  if (std::any_of(image.layers.begin(), image.layers.end(),
                  [&out](std::uint64_t at) { return !out.contains(at); }))
    return core::fail(core::errc::malformed, "the saved image: a layer is gone");
  if (auto fine = check_programs(has_programs); !fine)
    return core::fail(fine.error());
  return out;
}

std::string file_of(const image_layer& x) { return x.hash + ".tar"; }

core::result<void> copy_layer(unpacked_bytes& from, const image_layer& layer, entry_writer& to) {
  if (auto begun = to.begin(file_of(layer), layer.size); !begun)
    return begun;
  for (;;) {
    const auto piece = from.next();
    if (!piece)
      return core::fail(piece.error());
    if (piece->empty())
      return {};
    if (auto put = to.write(*piece); !put)
      return put;
  }
}

/// Who made it and when is not said, so that equal images are the same one.
std::string config_of(const saved_image& image, const std::vector<const image_layer*>& all,
                      const std::string& folder) {
  json hashes = json::array();
  for (const image_layer* each : all)
    hashes.push_back("sha256:" + each->hash);
  const json out{{"architecture", image.architecture},
                 {"os", "linux"},
                 {"config",
                  {{"Env", image.environment},
                   {"Labels", {{"maze.images", core::is_utf8(folder) ? folder : "/"}}}}},
                 {"rootfs", {{"type", "layers"}, {"diff_ids", std::move(hashes)}}}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What comes behind the layers: an engine takes none of them without it.
core::result<void> write_descriptions(const saved_image& image,
                                      const std::vector<const image_layer*>& all,
                                      const written_image& as, entry_writer& to) {
  json files = json::array();
  for (const image_layer* each : all)
    files.push_back(file_of(*each));
  const json list = json::array(
      {{{"Config", "config.json"}, {"RepoTags", {as.name}}, {"Layers", std::move(files)}}});
  for (const auto& [file, text] : {std::pair("config.json", config_of(image, all, as.folder)),
                                   std::pair("manifest.json", list.dump())}) {
    if (auto begun = to.begin(file, text.size()); !begun)
      return begun;
    if (auto put = to.write(text); !put)
      return put;
  }
  return to.finish();
}

} // namespace

core::result<void> write_saved_image(int from, const saved_image& image, const written_image& as,
                                     int to) {
  const auto measured = measure(from, image, image_room(as.size_max));
  if (!measured)
    return core::fail(measured.error());
  auto out = entry_writer::open(to);
  if (!out)
    return core::fail(out.error());
  std::vector<std::string> written;
  auto copied =
      for_each_layer(from, image, [&](entry_reader& in, std::uint64_t at) -> core::result<void> {
        const image_layer& x = measured->at(at);
        if (std::find(written.begin(), written.end(), x.hash) != written.end())
          return {};
        written.push_back(x.hash);
        auto bytes = in.unpacked();
        if (!bytes)
          return core::fail(bytes.error());
        return copy_layer(*bytes, x, *out);
      });
  if (!copied)
    return copied;
  std::vector<const image_layer*> all;
  for (const std::uint64_t at : image.layers)
    all.push_back(&measured->at(at));
  return write_descriptions(image, all, as, *out);
}

core::result<void> write_file_system(int from, const std::string& architecture,
                                     const written_image& as, int to) {
  auto bytes = unpacked_bytes::open(from);
  if (!bytes)
    return core::fail(bytes.error());
  image_room room(as.size_max);
  const auto layer = read_layer(*bytes, room);
  if (!layer)
    return core::fail(layer.error());
  if (!layer->has_end)
    return core::fail(core::errc::malformed, "it does not end as archives end: it was cut off");
  if (auto fine = check_programs(layer->has_programs); !fine)
    return fine;
  auto out = entry_writer::open(to);
  if (!out)
    return core::fail(out.error());
  bytes = unpacked_bytes::open(from);
  if (!bytes)
    return core::fail(bytes.error());
  if (auto copied = copy_layer(*bytes, *layer, *out); !copied)
    return copied;
  return write_descriptions({.layers = {}, .environment = {}, .architecture = architecture},
                            {&*layer}, as, *out);
}

} // namespace maze::io
