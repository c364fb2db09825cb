// maze-image: makes of an archive one that an engine loads as an image under a name of maze's, and of no more than that. What an archive says is foreign,
// so it is read by a process of its own, without rights.

#include "maze/core/printable.hpp"
#include "maze/core/units.hpp"
#include "maze/io/image_writer.hpp"
#include "maze/io/saved_image.hpp"
#include "maze/sandbox/image_refusal.hpp"

#include <array>
#include <cstdio>
#include <grp.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>

namespace {

using namespace maze;

constexpr unsigned nobody = 65534;

/// The archive and what becomes of it are open already.
bool give_up_rights() {
  if (::geteuid() == 0
      && (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0
          || ::setresuid(nobody, nobody, nobody) != 0))
    return false;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/// As Go calls it.
std::string architecture() {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> names{
      {{"x86_64", "amd64"},
       {"aarch64", "arm64"},
       {"armv7l", "arm"},
       {"i686", "386"},
       {"loongarch64", "loong64"}}};
  utsname machine{};
  ::uname(&machine);
  const std::string_view own = machine.machine;
  for (const auto& [kernel, go] : names)
    if (own == kernel)
      return std::string(go);
  return std::string(own);
}

core::result<void> write_image(const io::written_image& as) {
  const std::string here = architecture();
  const auto saved = io::find_saved_image(STDIN_FILENO, here, as.size_max);
  if (!saved)
    return core::fail(saved.error());
  return *saved ? io::write_saved_image(STDIN_FILENO, **saved, as, STDOUT_FILENO)
                : io::write_file_system(STDIN_FILENO, here, as, STDOUT_FILENO);
}

} // namespace

int main(int argc, char** argv) {
  const auto limit = argc == 5 ? core::parse_byte_count(argv[3])
                               : core::fail(core::errc::invalid_argument, "wrong use");
  if (!limit) {
    std::fputs(
        "maze-image NAME ARCHIVE LIMIT FOLDER <ARCHIVE: the image in it as NAME, for an engine to "
        "load, unpacked to at most LIMIT, of use as long as there is FOLDER\n",
        stderr);
    return 2;
  }
  if (!give_up_rights()) {
    std::perror("maze-image: cannot give up its rights");
    return 2;
  }
  const auto done = write_image({.name = argv[1], .folder = argv[4], .size_max = *limit});
  if (done)
    return 0;
  const bool again = done.error().code == core::errc::malformed;
  std::fprintf(stderr, "%.*sthe archive '%s' cannot be used: %s%s\n",
               static_cast<int>(sandbox::archive_refused.size()), sandbox::archive_refused.data(),
               core::printable(argv[2]).c_str(), done.error().message.c_str(),
               again ? ". Make it again, with tar, or with docker save or podman save" : "");
  return 1;
}
