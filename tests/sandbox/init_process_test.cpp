#include "maze/sandbox/init_process.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <poll.h>

using namespace maze;
using namespace maze::sandbox;

TEST_CASE("maze-init ends by itself when its socket is closed", "[sandbox][init_process]") {
  auto sut = init_process::start(MAZE_BIN_DIR "/maze-init");
  REQUIRE(sut);
  const int pid = sut->pid();
  REQUIRE(pid > 1);
  {
    const auto socket = sut->take_socket();
    pollfd wanted{socket.get(), POLLIN, 0};
    REQUIRE(::poll(&wanted, 1, 60000) == 1);
  }
  sut->wait();
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("an executable that is missing is named", "[sandbox][init_process]") {
  const auto sut = init_process::start("/no/such/maze-init");
  REQUIRE(!sut);
  CHECK(sut.error().message.find("/no/such/maze-init") != std::string::npos);
}

TEST_CASE("the maze-init of a build is found beside the running program",
          "[sandbox][init_process]") {
  CHECK(default_init_executable().value() == MAZE_BIN_DIR "/maze-init");
}

TEST_CASE("maze-init is looked for beside the program, then where it is installed",
          "[sandbox][init_process]") {
  const test::scratch_dir scratch;
  const auto program = scratch / "bin/maze-node";
  const auto beside = scratch / "bin/maze-init";
  const auto installed = scratch / "libexec/maze/maze-init";
  const auto find = [&] { return init_executable_of(program, "../libexec/maze/maze-init"); };
  std::filesystem::create_directories(beside.parent_path());
  std::filesystem::create_directories(installed.parent_path());

  const auto missing = find();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == core::errc::not_found);
  CHECK(missing.error().message.find(beside.native()) != std::string::npos);
  CHECK(missing.error().message.find(installed.native()) != std::string::npos);

  std::ofstream(installed) << "installed";
  CHECK(find().value() == installed);
  std::ofstream(beside) << "built";
  CHECK(find().value() == beside);
}
