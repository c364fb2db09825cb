#pragma once

#include "maze/core/file_uses.hpp"
#include "maze/io/files.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace maze::sandbox {

/// Learns what a child and its descendants do with the files that lie in its taskspace when it begins; of one child after
/// the other, because the kernel takes 20 ms to let go of an instance (measured), and its user has 128.
///
/// The kernel tells it (inotify), folder by folder. The folders can be named only where the child's mounts are, so the
/// child itself does that before its program begins, and this end listens. Names count, whatever leads to them: a symbolic
/// link, a descriptor, another process. Folders that are made later need not be watched: nothing was in them, and what is
/// moved there is seen where it came from. What gets one more name (a hard link) is not seen here, but where that name lies.
///
/// @note Thread-safe.
class file_watch : public std::enable_shared_from_this<file_watch> {
public:
  /// Fails with `resource_exhausted` where the user's inotify instances (fs.inotify.max_user_instances) or descriptors ran
  /// out.
  static core::result<std::shared_ptr<file_watch>> make();

  /// For the next child. @param seen  What it sees at first, by paths in its taskspace.
  core::result<void> prepare(std::shared_ptr<const core::file_map> seen);
  /// Listens from now on. Returns what maze-init needs to have the child watched.
  std::vector<std::shared_ptr<const io::unique_fd>> start(boost::asio::io_context& context);
  /// What was seen since `prepare`.
  /// @pre The child's whole tree is dead.
  core::file_uses finish();

private:
  explicit file_watch(io::unique_fd events);

  void wait();
  void readable();
  void rest();
  /// Bytes read; 0 where nothing is there.
  std::size_t read_some();
  void tell(std::int32_t folder, std::uint32_t mask, const char* name);
  /// Which folder has which number, and whether one has none.
  void read_table();

  /// Guards everything below.
  std::mutex mutex_;
  core::file_uses uses_;
  /// Those that hold files, in the order of the table.
  std::vector<std::string> folders_;
  std::unordered_map<std::int32_t, std::size_t> numbers_;
  std::shared_ptr<const io::unique_fd> events_;
  std::shared_ptr<const io::unique_fd> table_;
  std::optional<boost::asio::posix::stream_descriptor> stream_;
  std::optional<boost::asio::steady_timer> pause_;
};

} // namespace maze::sandbox
