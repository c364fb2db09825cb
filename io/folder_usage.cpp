#include "maze/io/folder_usage.hpp"

#include "maze/io/folders.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <unistd.h>
#include <utility>

namespace maze::io {

core::result<std::uint64_t> used_bytes(const std::filesystem::path& folder, bool force) {
  unique_fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root)
    return core::fail(errno_error("open " + shown(folder.native()), errno));
  constexpr std::uint64_t block = 512;
  std::uint64_t out = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  const auto visit = [&](const walked& at) -> core::result<walk_step> {
    const struct stat& one = at.status;
    const bool folder_of_names = S_ISDIR(one.st_mode);
    if (folder_of_names || one.st_nlink < 2 || seen.emplace(one.st_dev, one.st_ino).second)
      out += std::max<std::uint64_t>(1, static_cast<std::uint64_t>(one.st_blocks)) * block;
    const bool closed = folder_of_names && !force
                        && ::faccessat(at.folder, at.name.c_str(), R_OK | X_OK, AT_EACCESS) != 0;
    return closed ? walk_step::skip : walk_step::go_on;
  };
  if (auto walked_all = walk(std::move(root), {.visit = visit, .leave = {}, .force = force});
      !walked_all)
    return core::fail(walked_all.error());
  return out;
}

} // namespace maze::io
