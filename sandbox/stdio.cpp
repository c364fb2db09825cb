#include "maze/sandbox/stdio.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::sandbox {

namespace {

constexpr std::size_t tail_max = 4096;

} // namespace

void output_sink::append(std::string_view bytes) {
  const auto room = limits_.report_max - kept_.text.size();
  const bool fits = bytes.size() <= room && !kept_.logged;
  const auto before = kept_.text.size();
  kept_.text.append(bytes.substr(0, room));
  kept_.total += bytes.size();
  keep_tail(bytes.substr(std::min(room, bytes.size())));
  if (fits || limits_.log_file.empty() || !kept_.log_error.empty())
    return;
  if (!kept_.logged) {
    if (!open_log())
      return;
    log(std::string_view(kept_.text).substr(0, before));
  }
  log(bytes);
}

void output_sink::keep_tail(std::string_view beyond) {
  kept_.tail.append(beyond.substr(beyond.size() - std::min(beyond.size(), tail_max)));
  // Trimmed now and then, not at each byte: twice the size is the bound.
  if (kept_.tail.size() > 2 * tail_max)
    kept_.tail.erase(0, kept_.tail.size() - tail_max);
}

std::string output_sink::peek(std::uint64_t offset, std::size_t size_max) const {
  if (offset < kept_.text.size())
    return kept_.text.substr(static_cast<std::size_t>(offset), size_max);
  const auto in_order = log_ ? std::min(logged_, head_max()) : 0;
  if (offset >= in_order)
    return {};
  std::string out(static_cast<std::size_t>(std::min<std::uint64_t>(size_max, in_order - offset)),
                  '\0');
  const auto count = ::pread(log_.get(), out.data(), out.size(), static_cast<off_t>(offset));
  out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return out;
}

captured_output output_sink::finish() {
  if (log_)
    order_ring();
  if (kept_.tail.size() > tail_max)
    kept_.tail.erase(0, kept_.tail.size() - tail_max);
  log_.reset();
  return std::move(kept_);
}

bool output_sink::open_log() {
  // The folder may be one that a task can write to, so a link there is not followed.
  log_.reset(
      ::open(limits_.log_file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!log_)
    give_up_log(io::errno_error(fmt::format("open {}", limits_.log_file.native()), errno).message);
  kept_.logged = static_cast<bool>(log_);
  return kept_.logged;
}

void output_sink::log(std::string_view bytes) {
  if (logged_ < head_max()) {
    const auto head = bytes.substr(0, static_cast<std::size_t>(head_max() - logged_));
    write_at(head, logged_);
    logged_ += head.size();
    bytes.remove_prefix(head.size());
  }
  if (!bytes.empty())
    write_ring(bytes);
}

void output_sink::write_ring(std::string_view bytes) {
  const auto size = ring_size();
  if (bytes.size() > size) {
    logged_ += bytes.size() - size;
    bytes.remove_prefix(static_cast<std::size_t>(bytes.size() - size));
  }
  while (!bytes.empty()) {
    const auto at = (logged_ - head_max()) % size;
    const auto part = bytes.substr(0, static_cast<std::size_t>(size - at));
    write_at(part, head_max() + at);
    logged_ += part.size();
    bytes.remove_prefix(part.size());
  }
}

void output_sink::order_ring() {
  const auto size = ring_size();
  if (logged_ <= head_max() + size)
    return;
  kept_.cut = true;
  std::string ring(static_cast<std::size_t>(size), '\0');
  if (::pread(log_.get(), ring.data(), ring.size(), static_cast<off_t>(head_max()))
      != static_cast<ssize_t>(ring.size()))
    return give_up_log(io::errno_error("read back the log's tail", errno).message);
  if (size > 0)
    std::rotate(ring.begin(),
                ring.begin() + static_cast<std::ptrdiff_t>((logged_ - head_max()) % size),
                ring.end());
  const auto line =
      fmt::format("\n[maze: {} of {} bytes cut out here]\n", logged_ - head_max() - size, logged_);
  write_at(line, head_max());
  write_at(ring, head_max() + line.size());
}

void output_sink::write_at(std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty() && log_) {
    const auto count = ::pwrite(log_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return give_up_log(
          io::errno_error(fmt::format("write {}", limits_.log_file.native()), errno).message);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void output_sink::give_up_log(std::string why) {
  kept_.log_error = std::move(why);
  log_.reset();
}

} // namespace maze::sandbox
