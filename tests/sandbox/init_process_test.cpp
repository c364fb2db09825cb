#include "maze/sandbox/init_process.hpp"

#include <catch2/catch.hpp>

#include <csignal>
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

TEST_CASE("maze-init is looked for beside the running program", "[sandbox][init_process]") {
  CHECK(default_init_executable().value() == MAZE_BIN_DIR "/maze-init");
}
