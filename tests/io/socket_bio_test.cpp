#include "maze/io/socket_bio.hpp"

#include "support/in_child.hpp"
#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <string>

using namespace maze;

TEST_CASE("a socket under OpenSSL reads, writes and says when it would wait", "[io][tls]") {
  auto [near, far] = test::socket_pair();
  const auto sut = io::make_socket_bio(near.get());
  REQUIRE(sut);
  int fd = -1;
  BIO_get_fd(sut.get(), &fd);
  CHECK(fd == near.get());
  CHECK(BIO_write(sut.get(), "hello", 5) == 5);
  std::string text(5, ' ');
  CHECK(::recv(far.get(), text.data(), text.size(), 0) == 5);
  CHECK(text == "hello");
  CHECK(BIO_read(sut.get(), text.data(), 5) == -1);
  CHECK(BIO_should_read(sut.get()));
  test::push(far.get(), "x");
  CHECK(BIO_read(sut.get(), text.data(), 5) == 1);
  const std::string large(1 << 20, 'x');
  while (BIO_write(sut.get(), large.data(), static_cast<int>(large.size())) > 0)
    continue;
  CHECK(BIO_should_write(sut.get()));
}

TEST_CASE("a peer that hung up is an error and no signal", "[io][tls]") {
  CHECK(test::in_child([] {
          ::signal(SIGPIPE, SIG_DFL);
          auto [near, far] = test::socket_pair();
          const auto sut = io::make_socket_bio(near.get());
          far.reset();
          const bool failed = BIO_write(sut.get(), "x", 1) == -1 && errno == EPIPE
                              && BIO_should_retry(sut.get()) == 0;
          return failed ? 0 : 1;
        })
        == 0);
}
