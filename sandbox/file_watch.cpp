#include "maze/sandbox/file_watch.hpp"

#include "maze/io/memory_file.hpp"
#include "maze/sandbox/watch_table.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

namespace maze::sandbox {
namespace {

/// Some thousand events.
constexpr std::size_t events_chunk = std::size_t{64} << 10;
/// After so much from one child the others get their turn.
constexpr std::size_t events_turn_max = 16 * events_chunk;
/// Between two looks: a program that opens many files wakes nobody for each of them, and the kernel keeps 16,384 events.
constexpr std::chrono::milliseconds events_pause{2};

std::vector<std::string> folders_of(const core::file_map& seen) {
  std::set<std::string, std::less<>> found;
  for (const auto& [path, entry] : seen)
    if (entry.kind == core::file_kind::file)
      found.insert(path.substr(0, path.find('/') == std::string::npos ? 0 : path.rfind('/')));
  return {found.begin(), found.end()};
}

std::string table_of(const std::vector<std::string>& folders) {
  const protocol::watch_header header{.folders = static_cast<std::uint32_t>(folders.size())};
  std::string out(sizeof header + folders.size() * sizeof(std::int32_t), '\0');
  std::memcpy(out.data(), &header, sizeof header);
  for (const std::string& one : folders)
    out.append(one.c_str(), one.size() + 1);
  return out;
}

std::string_view advice(int error_number) {
  return error_number == ENOSPC ? "; sysctl fs.inotify.max_user_watches is the limit" : "";
}

} // namespace

file_watch::file_watch(io::unique_fd events)
    : events_(std::make_shared<const io::unique_fd>(std::move(events))) {}

core::result<std::shared_ptr<file_watch>> file_watch::make() {
  io::unique_fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!events)
    return core::fail(io::errno_error("inotify, to see what a task reads (sysctl "
                                      "fs.inotify.max_user_instances is the limit)",
                                      errno));
  return std::shared_ptr<file_watch>(new file_watch(std::move(events)));
}

core::result<void> file_watch::prepare(std::shared_ptr<const core::file_map> seen) {
  auto table = io::make_memory_file("maze-watch");
  if (!table)
    return core::fail(table.error());
  core::file_uses uses(std::move(seen));
  auto folders = folders_of(uses.seen());
  if (auto written = io::write_all(table->get(), table_of(folders)); !written)
    return written;
  const std::lock_guard lock(mutex_);
  uses_ = std::move(uses);
  folders_ = std::move(folders);
  table_ = std::make_shared<const io::unique_fd>(std::move(*table));
  return {};
}

std::vector<std::shared_ptr<const io::unique_fd>>
file_watch::start(boost::asio::io_context& context) {
  const std::lock_guard lock(mutex_);
  if (!stream_)
    // The event loop closes what it is given.
    if (const int own = ::fcntl(events_->get(), F_DUPFD_CLOEXEC, 0); own >= 0) {
      pause_.emplace(context);
      stream_.emplace(context, own);
      wait();
    }
  return {events_, table_};
}

void file_watch::wait() {
  stream_->async_wait(stream_->wait_read,
                      [weak = weak_from_this()](const boost::system::error_code& failed) {
                        if (const auto self = weak.lock(); self && !failed)
                          self->readable();
                      });
}

void file_watch::readable() {
  const std::lock_guard lock(mutex_);
  std::size_t taken = 0;
  for (std::size_t count = 1; count > 0 && taken < events_turn_max; taken += count)
    count = read_some();
  taken < events_turn_max ? rest() : wait();
}

void file_watch::rest() {
  pause_->expires_after(events_pause);
  pause_->async_wait([weak = weak_from_this()](const boost::system::error_code& failed) {
    const auto self = weak.lock();
    if (!self || failed)
      return;
    const std::lock_guard lock(self->mutex_);
    self->wait();
  });
}

std::size_t file_watch::read_some() {
  alignas(inotify_event) std::array<char, events_chunk> buffer;
  const auto count = ::read(events_->get(), buffer.data(), buffer.size());
  if (count <= 0)
    return 0;
  const auto size = static_cast<std::size_t>(count);
  for (std::size_t at = 0; at < size;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    tell(event.wd, event.mask, event.len == 0 ? "" : buffer.data() + at + sizeof event);
    at += sizeof event + event.len;
  }
  return size;
}

void file_watch::tell(std::int32_t folder, std::uint32_t mask, const char* name) {
  if ((mask & IN_Q_OVERFLOW) != 0)
    return uses_.miss("it did more at once than the kernel keeps in mind; sysctl "
                      "fs.inotify.max_queued_events is the limit");
  if ((mask & IN_ISDIR) != 0 || *name == '\0')
    return;
  // Not before: the child fills it in, and what a file tells comes from its program.
  if (numbers_.empty())
    read_table();
  const auto known = numbers_.find(folder);
  if (known == numbers_.end())
    return;
  const std::string& where = folders_[known->second];
  const std::string path = where.empty() ? name : where + '/' + name;
  using core::file_sight;
  if ((mask & IN_OPEN) != 0)
    uses_.saw(path, file_sight::opened);
  else if ((mask & IN_CLOSE_NOWRITE) != 0)
    uses_.saw(path, file_sight::closed_unwritten);
  else if ((mask & IN_CLOSE_WRITE) != 0)
    uses_.saw(path, file_sight::closed_written);
  else if ((mask & IN_MOVED_FROM) != 0)
    uses_.saw(path, file_sight::taken);
  else if ((mask & (IN_CREATE | IN_MOVED_TO | IN_DELETE)) != 0)
    uses_.saw(path, file_sight::replaced);
  else if ((mask & IN_ATTRIB) != 0)
    uses_.saw(path, file_sight::marked);
}

void file_watch::read_table() {
  if (!table_)
    return;
  protocol::watch_header header;
  std::vector<std::int32_t> numbers(folders_.size(), protocol::unwatched);
  const auto size = static_cast<ssize_t>(numbers.size() * sizeof(std::int32_t));
  if (::pread(table_->get(), &header, sizeof header, 0) != sizeof header
      || ::pread(table_->get(), numbers.data(), static_cast<std::size_t>(size), sizeof header)
             != size)
    return uses_.miss("the folders that are watched cannot be told");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != protocol::unwatched)
      numbers_.emplace(numbers[i], i);
    else
      uses_.miss(fmt::format(
          "{} cannot be watched{}", folders_[i].empty() ? "its folder" : folders_[i],
          header.error_number == 0 ? std::string()
                                   : fmt::format(": {}{}", std::strerror(header.error_number),
                                                 advice(header.error_number))));
}

core::file_uses file_watch::finish() {
  const std::lock_guard lock(mutex_);
  while (read_some() > 0) {
  }
  numbers_.clear();
  read_table();
  // Most are gone with the child's mounts.
  for (const auto& [number, folder] : numbers_)
    ::inotify_rm_watch(events_->get(), number);
  numbers_.clear();
  folders_.clear();
  table_.reset();
  return std::exchange(uses_, core::file_uses());
}

} // namespace maze::sandbox
