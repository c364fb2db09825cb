#include "maze/sandbox/machine_places.hpp"

#include <initializer_list>
#include <linux/magic.h>
#include <sys/vfs.h>

namespace maze::sandbox {

bool is_machines(int place, const struct stat& found) {
  struct statfs system {};
  if (::fstatfs(place, &system) != 0 || system.f_type == PROC_SUPER_MAGIC)
    return true;
  for (const char* const whole : {"/", "/dev", "/dev/shm", "/dev/pts"})
    if (struct stat other{};
        ::stat(whole, &other) == 0 && other.st_dev == found.st_dev && other.st_ino == found.st_ino)
      return true;
  return false;
}

} // namespace maze::sandbox
