#include "maze/sandbox/init/watch.hpp"

#include "maze/sandbox/watch_table.hpp"

#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

constexpr std::uint32_t sights = IN_OPEN | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_MOVED_FROM
                                 | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR
                                 | IN_DONT_FOLLOW;

void fill(protocol::watch_header& header, int events, bool there) {
  auto* const numbers = reinterpret_cast<std::int32_t*>(&header + 1);
  const char* name = reinterpret_cast<const char*>(numbers + header.folders);
  for (std::uint32_t i = 0; i < header.folders; ++i, name += std::strlen(name) + 1) {
    const int watch = there ? ::inotify_add_watch(events, *name == '\0' ? "." : name, sights) : -1;
    if (watch > 0)
      numbers[i] = watch;
    else if (header.error_number == 0)
      header.error_number = errno;
  }
}

} // namespace

void watch_folders(const spawn_plan& plan) {
  if (!plan.request.watched)
    return;
  const auto first = plan.request.own_descriptors() - 2;
  const int table = plan.descriptors[first + 1].get();
  struct stat about {};
  if (::fstat(table, &about) != 0 || about.st_size == 0)
    return;
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, table, 0);
  if (memory == MAP_FAILED)
    return;
  const char* const taskspace = plan.request.taskspace();
  fill(*static_cast<protocol::watch_header*>(memory), plan.descriptors[first].get(),
       taskspace != nullptr && ::chdir(taskspace) == 0);
  // No step that follows may keep it in use.
  static_cast<void>(::chdir("/"));
  // The memory is the parent's.
  ::munmap(memory, size);
}

} // namespace maze::sandbox::init
