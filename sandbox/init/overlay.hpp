#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/init/spawn.hpp"

#include <map>
#include <utility>

namespace maze::sandbox::init {

/// Mounts the request's overlay in the calling child's own mount namespace.
///
/// The layers are named through /proc/self/fd, so that no path needs escaping and many fit into the
/// one page that mount(2) takes. The overlay is `volatile`: nothing of it is synced, because what it
/// holds is published by its reader, and an unmount would otherwise sync the whole file system.
failure mount_overlay(const spawn_plan& plan);

/// User namespaces that map 0 to a child's uid and gid; one is made per pair and kept.
class id_maps {
public:
  /// The descriptor, owned by this, or -1 with errno.
  int find_or_make(std::uint32_t uid, std::uint32_t gid);
  [[nodiscard]] bool has(std::uint32_t uid, std::uint32_t gid) const {
    return maps_.contains({uid, gid});
  }

private:
  std::map<std::pair<std::uint32_t, std::uint32_t>, io::unique_fd> maps_;
};

} // namespace maze::sandbox::init
