#include "host/progress_page.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::host {

namespace {

constexpr std::size_t page_size = 4096;
/// A look costs some 5 us.
constexpr std::chrono::milliseconds between_looks{20};

/// Memory in use now; the most that ever was where there is no /proc.
std::uint64_t bytes_in_use() noexcept {
  std::array<char, 128> text{};
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : ::read(fd, text.data(), text.size() - 1);
  if (fd >= 0)
    ::close(fd);
  if (got > 0) {
    // Pages: all, resident.
    char* rest = nullptr;
    std::strtoull(text.data(), &rest, 10);
    return std::strtoull(rest, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  rusage most{};
  ::getrusage(RUSAGE_SELF, &most);
  return static_cast<std::uint64_t>(most.ru_maxrss) * 1024;
}

} // namespace

std::optional<progress_page> progress_page::map(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || about.st_size < static_cast<off_t>(page_size))
    return std::nullopt;
  void* memory = ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED)
    return std::nullopt;
  return progress_page(static_cast<volatile std::uint64_t*>(memory));
}

void progress_page::note_memory(clock::time_point now) noexcept {
  if (now - noted_ < between_looks)
    return;
  noted_ = now;
  words_[1] = bytes_in_use();
}

} // namespace maze::host
