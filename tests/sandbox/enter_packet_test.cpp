#include "maze/sandbox/enter_packet.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace maze;
using namespace maze::sandbox::enter;

namespace {

struct line_ends {
  io::unique_fd one;
  io::unique_fd other;
};

line_ends make_line() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {io::unique_fd(ends[0]), io::unique_fd(ends[1])};
}

} // namespace

TEST_CASE("a packet of a task is read as it was written, and nothing else is one",
          "[sandbox][container]") {
  for (const auto& x : {task_packet{}, task_packet{60001, 4'000'000'000, true}}) {
    const auto bytes = encode(x);
    CHECK(decode_task(bytes) == x);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_task(bytes.substr(0, size)));
    CHECK_FALSE(decode_task(bytes + '\0'));
  }
  auto odd = encode(task_packet{});
  odd.back() = '\2';
  CHECK_FALSE(decode_task(odd));
  odd = encode(task_packet{});
  odd.front() = static_cast<char>(word::ask);
  CHECK_FALSE(decode_task(odd));
}

TEST_CASE("descriptors come with their packet, in order, and are closed on exec",
          "[sandbox][container]") {
  const auto line = make_line();
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const io::unique_fd from(pipe[0]);
  io::unique_fd to(pipe[1]);
  REQUIRE(send_packet(line.one.get(), "first", std::array{from.get(), to.get()}));
  REQUIRE(send_packet(line.one.get(), "second"));
  to.reset();
  auto got = receive_packet(line.other.get());
  REQUIRE(got);
  CHECK(got->bytes == "first");
  REQUIRE(got->fds.size() == 2);
  for (const auto& each : got->fds)
    CHECK((::fcntl(each.get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(::write(got->fds[1].get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(from.get(), &byte, 1) == 1);
  got = receive_packet(line.other.get());
  REQUIRE(got);
  CHECK(got->bytes == "second");
  CHECK(got->fds.empty());
}

TEST_CASE("the end of a line is an empty packet, and nothing can be sent any more",
          "[sandbox][container]") {
  auto line = make_line();
  line.one.reset();
  const auto got = receive_packet(line.other.get());
  REQUIRE(got);
  CHECK(got->bytes.empty());
  CHECK_FALSE(send_packet(line.other.get(), "x"));
  CHECK(errno == EPIPE);
}
