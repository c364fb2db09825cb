#include "maze/io/transport.hpp"

#include "support/in_child.hpp"
#include "support/scratch_dir.hpp"
#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <string>

using namespace maze;
using io::progress;
using io::transport;

TEST_CASE("a plain transport moves what it can and never waits", "[io][stream]") {
  auto [near, far] = test::socket_pair();
  transport a(std::move(near), nullptr), b(std::move(far), nullptr);
  CHECK(a.shake_hands().state == progress::moved);
  std::string text(8, ' ');
  CHECK(a.read(text).state == progress::wants_read);
  CHECK(b.write("hello").bytes == 5);
  CHECK(a.read(text).bytes == 5);
  CHECK(text.substr(0, 5) == "hello");
  const std::string large(4 << 20, 'x');
  while (b.write(large).state == progress::moved)
    continue;
  CHECK(b.write(large).state == progress::wants_write);
  b = transport();
  std::string rest(1 << 20, ' ');
  while (a.read(rest).state == progress::moved)
    continue;
  CHECK(a.read(rest).state == progress::ended);
  const auto broken = a.write("x");
  CHECK(broken.state == progress::broken);
  CHECK(broken.number == EPIPE);
}

TEST_CASE("a file is sent from where it was asked, and its end is told", "[io][stream]") {
  const test::scratch_dir dir;
  REQUIRE(io::replace_file(dir / "f", "0123456789"));
  const io::unique_fd file(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  auto [near, far] = test::socket_pair();
  transport sut(std::move(near), nullptr);
  CHECK(sut.write_file(file.get(), 3, 4).bytes == 4);
  std::string text(16, ' ');
  CHECK(::recv(far.get(), text.data(), text.size(), 0) == 4);
  CHECK(text.substr(0, 4) == "3456");
  CHECK(sut.write_file(file.get(), 10, 1).state == progress::ended);
}

TEST_CASE("sending a file to a peer that hung up raises no signal", "[io][stream]") {
  CHECK(test::in_child([] {
          ::signal(SIGPIPE, SIG_DFL);
          const io::unique_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
          auto [near, far] = test::socket_pair();
          transport sut(std::move(near), nullptr);
          far.reset();
          const auto sent = sut.write_file(file.get(), 0, 10);
          sigset_t blocked;
          ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
          const bool clean = ::sigismember(&blocked, SIGPIPE) == 0;
          return sent.state == progress::broken && sent.number == EPIPE && clean ? 0 : 1;
        })
        == 0);
}
