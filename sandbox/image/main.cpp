// maze-image: makes of an image that an engine saved to an archive one that an engine loads under a name of maze's. What an archive says is
// foreign, so it is read by a process of its own, without rights.

#include "maze/io/saved_image.hpp"

#include <cstdio>
#include <cstring>
#include <grp.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace {

/// Of `look`.
constexpr int saved_image_found = 0;
constexpr int file_system_found = 1;
constexpr int cannot_tell = 2;

constexpr unsigned nobody = 65534;

/// The archive and what becomes of it are open already.
bool give_up_rights() {
  if (::geteuid() == 0
      && (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0
          || ::setresuid(nobody, nobody, nobody) != 0))
    return false;
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

std::string architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string_view name = machine.machine;
  if (name == "x86_64")
    return "amd64";
  return name == "aarch64" ? "arm64" : std::string(name);
}

int say(const maze::core::error& what) {
  std::fprintf(stderr, "%s\n", what.message.c_str());
  return cannot_tell;
}

} // namespace

int main(int argc, char** argv) {
  const bool look = argc == 2 && std::strcmp(argv[1], "look") == 0;
  if (!look && (argc != 3 || std::strcmp(argv[1], "write") != 0)) {
    std::fputs(
        "maze-image look <ARCHIVE: 0 where it is a saved image, 1 where it is a file system\n"
        "maze-image write NAME <ARCHIVE: that image as NAME, for an engine to load\n",
        stderr);
    return cannot_tell;
  }
  if (!give_up_rights()) {
    std::perror("maze-image: cannot give up its rights");
    return cannot_tell;
  }
  const auto image = maze::io::find_saved_image(STDIN_FILENO, architecture());
  if (!image)
    return say(image.error());
  if (look || !*image)
    return *image ? saved_image_found : file_system_found;
  if (auto done = maze::io::write_saved_image(STDIN_FILENO, **image, argv[2], STDOUT_FILENO); !done)
    return say(done.error());
  return 0;
}
