#include "maze/io/saved_image.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/archive_entries.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/image_layer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <string_view>

namespace maze::io {

namespace {

using nlohmann::json;

constexpr std::uint64_t entries_max = 100'000;
/// Of one text that says what an image is, and of all of them.
constexpr std::uint64_t text_max = std::uint64_t{4} << 20;
constexpr std::uint64_t texts_max = std::uint64_t{64} << 20;
constexpr std::size_t layers_max = 512;
constexpr int links_max = 8;
/// Of a list of architectures, in bytes, and a little.
constexpr std::size_t others_shown = 100;
constexpr std::string_view docker_list = "manifest.json";
constexpr std::string_view oci_list = "index.json";
constexpr std::string_view oci_mark = "oci-layout";

tl::unexpected<core::error> malformed(std::string_view why) {
  return core::fail(core::errc::malformed, fmt::format("the saved image: {}", why));
}

/// Whether an archive of an image may have this in its first level: a file system has something else there.
bool may_be_of_image(std::string_view name) {
  const auto slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  const bool hexadecimal =
      first.size() == 64 && std::all_of(first.begin(), first.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      });
  if (slash != std::string_view::npos)
    return first == "blobs" || hexadecimal;
  return first == "blobs" || hexadecimal || first == oci_mark || first == "repositories"
         || first.ends_with(".json") || first.ends_with(".tar");
}

/// The texts among the entries: what stands in the first level, and what may be one by its first byte.
bool may_be_text(std::string_view name, std::uint64_t size) {
  return size <= text_max
         && (name == oci_mark || name.ends_with(".json") || name.starts_with("blobs/"));
}

/// A member of an object; null for all else.
const json& member(const json& of, const char* name) {
  static const json none;
  const auto found = of.is_object() ? of.find(name) : of.end();
  return found == of.end() ? none : *found;
}

std::string text_of(const json& x) { return x.is_string() ? x.get<std::string>() : std::string(); }

/// What an archive holds, as far as an image shows in it.
class contents {
public:
  /// False: it is no image.
  core::result<bool> read(int from, image_room room) {
    auto in = entry_reader::open(from);
    if (!in)
      return core::fail(in.error());
    for (std::uint64_t at = 0;; ++at) {
      auto entry = in->next();
      if (!entry)
        return core::fail(entry.error());
      if (!*entry)
        break;
      const archive_entry_view& x = **entry;
      if (x.name.empty())
        continue;
      if (!may_be_of_image(x.name))
        return false;
      if (at >= entries_max)
        return core::fail(core::errc::limit_exceeded,
                          fmt::format("the saved image has more than {} entries", entries_max));
      // Told before what comes is passed over, which takes as long as it is.
      if (auto fits = room.take_file(x.size); !fits)
        return core::fail(fits.error());
      if (auto kept = keep(*in, x, at); !kept)
        return core::fail(kept.error());
    }
    return texts_.contains(docker_list) || (texts_.contains(oci_list) && texts_.contains(oci_mark));
  }

  [[nodiscard]] core::result<saved_image> image(const std::string& architecture) const {
    auto out = texts_.contains(docker_list) ? of_docker() : of_oci(architecture);
    // Images of old say nothing.
    if (out && out->architecture.empty())
      out->architecture = architecture;
    if (out && out->architecture != architecture)
      return other_machine(out->architecture, architecture);
    return out;
  }

private:
  core::result<void> keep(entry_reader& in, const archive_entry_view& x, std::uint64_t at) {
    if (!x.link.empty()) {
      links_.insert_or_assign(x.name, x.link);
      return {};
    }
    if (!x.is_file)
      return {};
    places_.insert_or_assign(x.name, at);
    if (!may_be_text(x.name, x.size))
      return {};
    auto text = in.text(x.size);
    if (!text)
      return core::fail(text.error());
    // A layer has the name of a blob, too.
    if (text->empty() || (text->front() != '{' && text->front() != '['))
      return {};
    bytes_ += text->size();
    if (bytes_ > texts_max)
      return core::fail(
          core::errc::limit_exceeded,
          fmt::format("the saved image has more than {} bytes of descriptions", texts_max));
    texts_.insert_or_assign(x.name, std::move(*text));
    return {};
  }

  /// The name of the file behind links.
  [[nodiscard]] std::string resolved(std::string name) const {
    for (int i = 0; i < links_max; ++i) {
      const auto link = links_.find(name);
      if (link == links_.end())
        break;
      name = link->second;
    }
    return name;
  }

  [[nodiscard]] core::result<json> parsed(const std::string& name) const {
    const auto found = texts_.find(resolved(name));
    if (found == texts_.end())
      return malformed(fmt::format("'{}' is not in it", shown(name)));
    json out = json::parse(found->second, nullptr, false);
    if (out.is_discarded())
      return malformed(fmt::format("'{}' is no JSON", shown(name)));
    return out;
  }

  core::result<void> add_layer(const std::string& name, saved_image& to) const {
    const auto found = places_.find(resolved(name));
    if (found == places_.end())
      return malformed(fmt::format("its layer '{}' is not in it", shown(name)));
    if (to.layers.size() == layers_max)
      return core::fail(core::errc::limit_exceeded,
                        fmt::format("the saved image has more than {} layers", layers_max));
    to.layers.push_back(found->second);
    return {};
  }

  /// What the image says of itself.
  core::result<void> take_config(const std::string& name, saved_image& to) const {
    const auto config = parsed(name);
    if (!config)
      return core::fail(config.error());
    to.architecture = text_of(member(*config, "architecture"));
    const json& variables = member(member(*config, "config"), "Env");
    if (variables.is_array())
      for (const json& each : variables)
        if (auto text = text_of(each); text.find('=') != std::string::npos && text.front() != '='
                                       && text.find('\0') == std::string::npos)
          to.environment.push_back(std::move(text));
    if (to.layers.empty())
      return malformed("it has no layers");
    return {};
  }

  [[nodiscard]] core::result<saved_image> of_docker() const {
    const auto list = parsed(std::string(docker_list));
    if (!list)
      return core::fail(list.error());
    if (!list->is_array() || list->size() != 1)
      return several(list->is_array() ? list->size() : 0);
    saved_image out;
    const json& layers = member(list->front(), "Layers");
    if (layers.is_array())
      for (const json& each : layers)
        if (auto added = add_layer(text_of(each), out); !added)
          return core::fail(added.error());
    if (auto taken = take_config(text_of(member(list->front(), "Config")), out); !taken)
      return core::fail(taken.error());
    return out;
  }

  /// The entry that a description of OCI names by its hash.
  static std::string blob_of(const json& description) {
    std::string digest = text_of(member(description, "digest"));
    std::replace(digest.begin(), digest.end(), ':', '/');
    return "blobs/" + digest;
  }

  static std::string machine_of(const json& description) {
    return text_of(member(member(description, "platform"), "architecture"));
  }

  static bool is_for(const json& description, const std::string& architecture) {
    const json& platform = member(description, "platform");
    return platform.is_null()
           || (text_of(member(platform, "os")) == "linux"
               && machine_of(description) == architecture);
  }

  [[nodiscard]] core::result<saved_image> of_oci(const std::string& architecture) const {
    auto found = parsed(std::string(oci_list));
    // A list, a list for several machines in it, the image.
    for (int i = 0; found && i < 3 && !member(*found, "manifests").is_null(); ++i) {
      std::vector<std::string> fit;
      std::string others;
      if (const json& all = member(*found, "manifests"); all.is_array())
        for (const json& each : all) {
          if (is_for(each, architecture))
            fit.push_back(blob_of(each));
          else if (others.size() < others_shown)
            others += (others.empty() ? "" : ", ") + machine_of(each);
        }
      if (fit.empty() && !others.empty())
        return other_machine(others, architecture);
      if (fit.size() != 1)
        return several(fit.size());
      found = parsed(fit.front());
    }
    if (!found)
      return core::fail(found.error());
    saved_image out;
    const json& layers = member(*found, "layers");
    if (layers.is_array())
      for (const json& each : layers)
        if (auto added = add_layer(blob_of(each), out); !added)
          return core::fail(added.error());
    if (auto taken = take_config(blob_of(member(*found, "config")), out); !taken)
      return core::fail(taken.error());
    return out;
  }

  static tl::unexpected<core::error> other_machine(std::string_view holds, std::string_view here) {
    return core::fail(core::errc::invalid_argument,
                      fmt::format("it holds an image for machines of architecture {}, and this "
                                  "node is {}: save one that was pulled with --platform linux/{}",
                                  core::printable(shown(holds)), here, here));
  }

  static tl::unexpected<core::error> several(std::size_t count) {
    return core::fail(
        core::errc::invalid_argument,
        fmt::format("the archive holds {} images for this machine: save one into it", count));
  }

  std::map<std::string, std::uint64_t, std::less<>> places_;
  std::map<std::string, std::string, std::less<>> links_;
  std::map<std::string, std::string, std::less<>> texts_;
  std::uint64_t bytes_ = 0;
};

} // namespace

core::result<std::optional<saved_image>> find_saved_image(int from, const std::string& architecture,
                                                          core::byte_count room) {
  contents all;
  const auto is_image = all.read(from, image_room(room));
  if (!is_image)
    return core::fail(is_image.error());
  if (!*is_image)
    return std::nullopt;
  auto image = all.image(architecture);
  if (!image)
    return core::fail(image.error());
  return std::optional(std::move(*image));
}

} // namespace maze::io
