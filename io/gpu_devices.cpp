#include "maze/io/gpu_devices.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <system_error>

namespace maze::io {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view device_prefix = "nvidia";

std::optional<std::string> from_process(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::optional<std::string>(text) : std::nullopt;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The entries of `folder` that `counts` says yes to; 0 where it cannot be read.
template <class Counts>
std::uint32_t count_entries(const fs::path& folder, Counts counts) {
  std::uint32_t out = 0;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
    out += counts(at->path().filename().string()) ? 1 : 0;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The device that one entry of a list names, in one spelling; empty where it names none.
std::string read_entry(std::string_view text, std::uint32_t count) {
  if (!is_number(text)) {
    const bool named = text.starts_with("GPU-") || text.starts_with("MIG-");
    return named && text.size() > 4 ? std::string(text) : std::string();
  }
  std::uint32_t index = 0;
  const auto [stop, fault] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (fault != std::errc{} || (count != 0 && index >= count))
    return {};
  return std::to_string(index);
}

/// Whether both could be one device: names may be cut short, and say nothing of each other's kind.
bool could_be_one(const std::string& x, const std::string& y) {
  const auto kind = [](const std::string& id) { return is_number(id) ? '0' : id.front(); };
  if (kind(x) != kind(y))
    return true;
  return x == y || (x.starts_with("GPU-") && (x.starts_with(y) || y.starts_with(x)));
}

std::string plural(std::size_t count) {
  return fmt::format("{} GPU{}", count, count == 1 ? "" : "s");
}

core::result<offered_gpus> offer_named(const std::string& list, std::uint32_t found,
                                       std::optional<std::uint32_t> wanted) {
  offered_gpus out;
  out.devices.ids = visible_gpus(list, found);
  const std::size_t named = out.devices.ids.size();
  if (wanted && *wanted > named)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("{} to offer, but CUDA_VISIBLE_DEVICES of this process is '{}', "
                                  "which names {}: offer no more, or change the variable",
                                  plural(*wanted), core::printable(list), named),
                      "gpus");
  const auto entries = static_cast<std::size_t>(std::count(list.begin(), list.end(), ',') + 1);
  if (named < entries && !list.empty() && list != "-1")
    out.doubt = fmt::format("CUDA_VISIBLE_DEVICES is '{}', of which {} can be used: the list ends "
                            "where an entry is no device, or could be one that was named before",
                            core::printable(list), plural(named));
  out.devices.ids.resize(std::min<std::size_t>(named, wanted.value_or(gpus_max)));
  return out;
}

core::result<offered_gpus> offer_ids(const gpu_surroundings& around,
                                     std::optional<std::uint32_t> wanted) {
  const std::uint32_t found = count_gpus(around.root);
  if (around.visible) {
    auto out = offer_named(*around.visible, found, wanted);
    if (!out)
      return out;
    // CUDA's own default, which the indices in the list were meant in.
    out->devices.order = around.order.value_or("FASTEST_FIRST");
    out->devices.told = true;
    return out;
  }
  offered_gpus out;
  const std::uint32_t count = std::min(wanted.value_or(found), gpus_max);
  for (std::uint32_t i = 0; i < count; ++i)
    out.devices.ids.push_back(std::to_string(i));
  if (count > found)
    out.doubt = fmt::format("{} to offer, but NVIDIA's driver shows {} on this machine: tasks are "
                            "given the indices 0 to {} all the same",
                            plural(count), found, count - 1);
  out.devices.order = around.order.value_or(out.devices.order);
  out.devices.told = found != 0 || count != 0;
  return out;
}

} // namespace

gpu_surroundings gpu_surroundings::of_this_process() {
  return {.visible = from_process("CUDA_VISIBLE_DEVICES"),
          .order = from_process("CUDA_DEVICE_ORDER")};
}

std::uint32_t count_gpus(const fs::path& root) {
  const auto known =
      count_entries(root / "proc/driver/nvidia/gpus", [](const std::string&) { return true; });
  const auto reachable = count_entries(root / "dev", [](const std::string& name) {
    return name.starts_with(device_prefix)
           && is_number(std::string_view(name).substr(device_prefix.size()));
  });
  return known != 0 && reachable != 0 ? std::min(known, reachable) : std::max(known, reachable);
}

std::vector<std::string> visible_gpus(std::string_view list, std::uint32_t count) {
  std::vector<std::string> out;
  while (out.size() < gpus_max) {
    const auto end = std::min(list.find(','), list.size());
    std::string entry = read_entry(trimmed(list.substr(0, end)), count);
    const bool known = std::any_of(out.begin(), out.end(), [&entry](const std::string& before) {
      return could_be_one(before, entry);
    });
    if (entry.empty() || known)
      break;
    out.push_back(std::move(entry));
    if (end == list.size())
      break;
    list.remove_prefix(end + 1);
  }
  return out;
}

core::result<offered_gpus> offer_gpus(const gpu_surroundings& around,
                                      std::optional<std::uint32_t> wanted) {
  auto out = offer_ids(around, wanted);
  if (out)
    find_gpu_files(around.root, out->devices);
  return out;
}

} // namespace maze::io
