#include "node/user_range.hpp"

#include "maze/io/folders.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/file.h>

namespace maze::node {

core::result<user_range> user_range::claim(const std::filesystem::path& folder) {
  if (auto made = io::make_folders(folder); !made)
    return core::fail(made.error());
  for (std::uint32_t i = 0; i < ranges_max; ++i) {
    const auto path = folder / std::to_string(i);
    io::unique_fd lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock)
      return core::fail(io::errno_error(fmt::format("open {}", path.string()), errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0)
      return user_range{first_of_all + i * size, std::move(lock)};
    if (errno != EWOULDBLOCK && errno != EINTR)
      return core::fail(io::errno_error(fmt::format("lock {}", path.string()), errno));
  }
  return core::fail(core::errc::resource_exhausted,
                    fmt::format("{} nodes with tasks under users of their own run on this machine: "
                                "start this one with --task-user same",
                                ranges_max),
                    "start");
}

} // namespace maze::node
