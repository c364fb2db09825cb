#pragma once

#include <cstdint>

namespace maze::sandbox::enter {

/// What the control groups of this container have counted, as files below /sys/fs/cgroup show it, of either version; 0 where they
/// do not.
std::uint64_t cpu_time_used();
std::uint64_t memory_peak();
std::uint64_t memory_kills();
std::uint64_t refused_processes();

} // namespace maze::sandbox::enter
