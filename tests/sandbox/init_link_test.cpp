#include "maze/sandbox/init_link.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>

using namespace maze;
using namespace maze::sandbox;
using namespace std::chrono_literals;

TEST_CASE("maze-init says hello with its version and what the kernel lets it do",
          "[sandbox][init_link]") {
  boost::asio::io_context context;
  init_link sut(context, init_process::start(MAZE_BIN_DIR "/maze-init").value());
  const auto hello = await_hello(sut, 60s);
  REQUIRE(hello);
  CHECK(hello->version == protocol::version);
  CHECK(sut.flush());
}

TEST_CASE("bytes that are no request end the conversation", "[sandbox][init_link]") {
  boost::asio::io_context context;
  init_link sut(context, init_process::start(MAZE_BIN_DIR "/maze-init").value());
  REQUIRE(await_hello(sut, 60s));
  sut.send({.body = "nonsense"});
  auto& socket = sut.socket();
  bool closed = false;
  socket.async_wait(socket.wait_read, [&](const auto&) {
    CHECK(sut.receive().empty());
    closed = sut.closed();
  });
  context.run();
  CHECK(closed);
}

TEST_CASE("a program that is not maze-init is refused with a hint", "[sandbox][init_link]") {
  boost::asio::io_context context;
  init_link sut(context, init_process::start("/bin/true").value());
  const auto hello = await_hello(sut, 60s);
  REQUIRE(!hello);
  CHECK(hello.error().message.find("ended before it was ready") != std::string::npos);
}
