// Which files lead to which GPU.
#include "maze/io/gpu_devices.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <system_error>

namespace maze::io {

namespace {

namespace fs = std::filesystem;

struct known_gpu {
  /// `0000:3b:00.0`, by which they are sorted.
  std::string place;
  std::string uuid;
  std::string minor;
};

/// What lies behind the colon of a line that begins with `name`.
std::string field_of(std::string_view line, std::string_view name) {
  if (!line.starts_with(name))
    return {};
  line.remove_prefix(name.size());
  const auto begin = line.find_first_not_of(": \t");
  if (begin == std::string_view::npos)
    return {};
  return std::string(line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin));
}

/// In the order of the PCI bus.
std::vector<known_gpu> gpus_of_driver(const fs::path& root) {
  std::vector<known_gpu> out;
  std::error_code failed;
  for (fs::directory_iterator at(root / "proc/driver/nvidia/gpus", failed), end;
       !failed && at != end; at.increment(failed)) {
    known_gpu one{.place = at->path().filename().native(), .uuid = {}, .minor = {}};
    std::ifstream lines(at->path() / "information");
    for (std::string line; std::getline(lines, line);) {
      if (auto uuid = field_of(line, "GPU UUID"); !uuid.empty())
        one.uuid = std::move(uuid);
      if (auto minor = field_of(line, "Device Minor"); !minor.empty())
        one.minor = std::move(minor);
    }
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(),
            [](const known_gpu& a, const known_gpu& b) { return a.place < b.place; });
  return out;
}

bool is_index(std::string_view id) {
  return !id.empty() && id.size() < 5
         && id.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The number in the name of the device's file; empty where nobody knows.
std::string minor_of(const std::string& id, const std::vector<known_gpu>& known, bool bus_order) {
  if (is_index(id)) {
    const auto index = static_cast<std::size_t>(std::stoul(id));
    if (known.empty())
      return bus_order ? id : std::string();
    return index < known.size() && (bus_order || known.size() == 1) ? known[index].minor
                                                                    : std::string();
  }
  std::string found;
  for (const known_gpu& each : known)
    if (each.uuid.starts_with(id)) {
      // A name that was cut short must mean one.
      if (!found.empty())
        return {};
      found = each.minor;
    }
  return found;
}

} // namespace

void find_gpu_files(const fs::path& root, gpu_devices& devices) {
  std::error_code unknown;
  const auto add_if_there = [&](std::vector<std::string>& to, const std::string& name) {
    const auto path = root / "dev" / name;
    to.push_back(fs::exists(path, unknown) ? path.native() : std::string());
  };
  const auto known = gpus_of_driver(root);
  const bool bus_order = devices.order == "PCI_BUS_ID";
  devices.files.clear();
  devices.common_files.clear();
  for (const std::string& id : devices.ids) {
    const auto minor = minor_of(id, known, bus_order);
    if (minor.empty())
      devices.files.emplace_back();
    else
      add_if_there(devices.files, "nvidia" + minor);
  }
  static constexpr std::array common{"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools",
                                     "nvidia-modeset"};
  for (const char* name : common)
    add_if_there(devices.common_files, name);
  std::erase(devices.common_files, std::string());
}

} // namespace maze::io
