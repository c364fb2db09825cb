// Descriptors on their way to a container whose engine hands none on, without an engine.
#include "maze/sandbox/enter_packet.hpp"
#include "support/eventually.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace maze;
using namespace maze::sandbox::enter;

namespace {

struct door_folder {
  test::scratch_dir outer;
  std::filesystem::path door = outer / "door-of-one";

  door_folder() { std::filesystem::create_directory(door); }
  /// With the file `given` for descriptor 3, and one more that is not to go along.
  [[nodiscard]] test::process::options how(const std::string& program) const {
    return {.argv = {"/bin/sh", "-c",
                     "exec 3>given 4>kept " MAZE_BIN_DIR "/maze-enter door \"$1\" 4 " + program,
                     "sh", door.native()},
            .working_directory = outer.path(),
            .environment = {},
            .user = {}};
  }
  /// What the first who comes is given; nothing while nobody is there.
  [[nodiscard]] std::optional<packet> come() const {
    const io::unique_fd guest(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = door / name_of_door;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    if (::connect(guest.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return std::nullopt;
    return receive_packet(guest.get());
  }
};

} // namespace

TEST_CASE_METHOD(door_folder, "the first who comes gets the descriptors, and the door is gone",
                 "[sandbox][enter]") {
  test::process engine(how("/bin/sleep 1000"));
  std::optional<packet> got;
  REQUIRE(test::eventually([&] { return bool(got = come()); }));
  REQUIRE(got->fds.size() == 4);
  REQUIRE(::write(got->fds[3].get(), "for it", 6) == 6);
  REQUIRE(::write(got->fds[1].get(), "said", 4) == 4);
  CHECK(test::read_file(outer / "given") == "for it");
  CHECK(test::eventually([&] { return !std::filesystem::exists(door); }));
  // Nobody but the container has them now, and the engine's program goes on.
  const auto fds = std::filesystem::path("/proc") / std::to_string(engine.pid()) / "fd";
  CHECK(test::eventually(
      [&] { return !std::filesystem::exists(std::filesystem::symlink_status(fds / "3")); }));
  CHECK(std::filesystem::read_symlink(fds / "0") == "/dev/null");
  CHECK(std::filesystem::read_symlink(fds / "4") == outer / "kept");
  CHECK_FALSE(engine.ends_within(std::chrono::milliseconds(0)));
  engine.signal(SIGKILL);
  CHECK(engine.wait().standard_output == "said");
}

TEST_CASE_METHOD(door_folder, "nothing waits at the door of an engine that has ended",
                 "[sandbox][enter]") {
  const auto ended = test::run(how("/bin/sh -c 'exit 125'"));
  CHECK(ended.status == 125);
  CHECK(test::eventually([&] { return !std::filesystem::exists(door); }));
}

TEST_CASE_METHOD(door_folder, "a door that cannot be made is told as an engine that fails",
                 "[sandbox][enter]") {
  std::filesystem::remove(door);
  const auto ended = test::run(how("/bin/true"));
  CHECK(ended.status == 125);
  CHECK(ended.standard_error == "maze-enter: the engine's door: No such file or directory\n");
  std::filesystem::create_directory(door);
  CHECK(test::run(how("/nowhere")).standard_error
        == "maze-enter: /nowhere: No such file or directory\n");
}
