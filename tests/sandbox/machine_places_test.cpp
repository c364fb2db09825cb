#include "maze/sandbox/machine_places.hpp"

#include "maze/io/files.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <filesystem>

using namespace maze;

namespace {

bool shows_machine(const std::filesystem::path& path) {
  const io::unique_fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat found {};
  REQUIRE((place && ::fstat(place.get(), &found) == 0));
  return sandbox::is_machines(place.get(), found);
}

} // namespace

TEST_CASE("what would show all of the machine is known by whatever path", "[sandbox][places]") {
  const test::scratch_dir folder;
  for (const char* whole : {"/", "/dev", "/dev/shm", "/proc", "/proc/self", "/proc/sys/kernel"}) {
    CHECK(shows_machine(whole));
    std::filesystem::remove(folder / "link");
    std::filesystem::create_symlink(whole, folder / "link");
    CHECK(shows_machine(folder / "link"));
  }
  for (const char* part : {"/usr", "/etc", "/dev/null", "/tmp"})
    CHECK_FALSE(shows_machine(part));
  CHECK_FALSE(shows_machine(folder.path()));
}
