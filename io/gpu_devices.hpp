#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// The GPUs that a node gives to attempts, and what it tells children of them.
struct gpu_devices {
  /// What CUDA calls each: an index such as `0`, or `GPU-<uuid>`. An attempt's n-th GPU is one of these.
  std::vector<std::string> ids;
  /// In which order CUDA counts devices. Every child needs the same one, or an index would name
  /// different devices to different children.
  std::string order = "PCI_BUS_ID";
  /// Whether children are told which GPUs are theirs. Not where the machine has none to hide.
  bool told = false;
  /// The device file of each, as far as one is known for it; else empty.
  std::vector<std::string> files;
  /// Those that a program needs for any of them.
  std::vector<std::string> common_files;

  friend bool operator==(const gpu_devices&, const gpu_devices&) = default;
};

/// Where GPUs are looked for.
struct gpu_surroundings {
  /// CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER of the node's own environment.
  std::optional<std::string> visible;
  std::optional<std::string> order;
  /// Where `/proc` and `/dev` lie.
  std::filesystem::path root = "/";

  static gpu_surroundings of_this_process();
};

/// How many GPUs NVIDIA's driver shows: folders of `/proc/driver/nvidia/gpus`, else files
/// `/dev/nvidia<N>`. Where both are there the smaller number counts, for in a container either may
/// tell of GPUs that are not the container's.
std::uint32_t count_gpus(const std::filesystem::path& root);

/// Finds the device files of `devices`, whose ids and order are known. An index names a file only where the order of
/// devices is that of the PCI bus, or there is one device alone. Source: the README of NVIDIA's driver, "The /proc
/// Filesystem Interface".
void find_gpu_files(const std::filesystem::path& root, gpu_devices& devices);

/// The devices that a list in the form of CUDA_VISIBLE_DEVICES names, up to the first entry that is
/// none, as CUDA has it: no index below `count` (0: any) and no `GPU-…` or `MIG-…`. The list also ends
/// with an entry that could be a device named before: a node must not give one away twice.
/// Source: CUDA C++ Programming Guide, "CUDA Environment Variables".
std::vector<std::string> visible_gpus(std::string_view list, std::uint32_t count);

struct offered_gpus {
  gpu_devices devices;
  /// What the node's owner may have meant otherwise, in a sentence; empty for nothing.
  std::string doubt;
};

/// No machine has so many.
inline constexpr std::uint32_t gpus_max = 1024;

/// The GPUs that a node offers: those that its environment names, else all that the driver shows;
/// of these the first `wanted`, where that is given. What the driver does not show may be wanted,
/// too, and gets the indices that follow: GPUs of other makers, and machines without any.
/// Fails with `invalid_argument` where the environment names fewer than `wanted`.
core::result<offered_gpus> offer_gpus(const gpu_surroundings& around,
                                      std::optional<std::uint32_t> wanted);

} // namespace maze::io
