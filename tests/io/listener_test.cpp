#include "maze/io/listener.hpp"

#include "support/scratch_dir.hpp"
#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using core::errc;
using io::listener;

namespace {

/// Waits for a connection that is on its way.
io::incoming next(listener& sut) {
  REQUIRE(io::wait_for(sut.fd(), false, test::patience()));
  auto got = sut.accept();
  REQUIRE(got);
  return std::move(*got);
}

} // namespace

TEST_CASE("a UNIX socket lies where only its owner gets, and goes with its listener",
          "[io][listener]") {
  const test::scratch_dir dir;
  const auto path = dir / "run" / "s";
  {
    auto sut = listener::open(io::unix_endpoint{path.native()});
    REQUIRE(sut);
    struct stat status {};
    REQUIRE(::stat(path.parent_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(sut->accept().error() == EAGAIN);
    const auto out = test::dial(sut->at());
    const auto in = next(*sut);
    CHECK(in.user == ::geteuid());
    CHECK(in.address == "unix:process " + std::to_string(::getpid()));
    CHECK((::fcntl(in.fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK(listener::open(io::unix_endpoint{path.native()}).error().code == errc::already_exists);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a dead socket is replaced, a file is not", "[io][listener]") {
  const test::scratch_dir dir;
  const auto path = (dir / "s").native();
  {
    const auto where = io::resolve(io::unix_endpoint{path}, true, test::patience());
    const io::unique_fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(dead.get(), where->front().data(), where->front().length) == 0);
  }
  REQUIRE(std::filesystem::exists(path));
  CHECK(listener::open(io::unix_endpoint{path}));
  REQUIRE(io::replace_file(path, "mine"));
  const auto refused = listener::open(io::unix_endpoint{path});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::already_exists);
  CHECK(io::read_file(path, 10) == std::string("mine"));
}

TEST_CASE("a socket's folder that others may enter is refused", "[io][listener]") {
  const test::scratch_dir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0711) == 0);
  const auto refused = listener::open(io::unix_endpoint{(dir / "s").native()});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::permission_denied);
  CHECK_THAT(refused.error().message, Catch::Contains("chmod 700"));
}

TEST_CASE("port 0 becomes a real one", "[io][listener]") {
  auto sut = listener::open(io::tcp_endpoint{"127.0.0.1", 0});
  REQUIRE(sut);
  const auto at = std::get<io::tcp_endpoint>(sut->at());
  CHECK(at.host == "127.0.0.1");
  CHECK(at.port != 0);
  const auto out = test::dial(at, "127.0.0.7");
  const auto in = next(*sut);
  CHECK_THAT(in.address, Catch::StartsWith("tcp:127.0.0.7:"));
  CHECK(in.origin == "127.0.0.7");
  CHECK_FALSE(in.user);
  const auto taken = listener::open(at);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == errc::already_exists);
  CHECK_THAT(taken.error().message, Catch::Contains("choose another port"));
  CHECK_THAT(listener::open(io::tcp_endpoint{"192.0.2.1", 0}).error().message,
             Catch::Contains("no such address"));
}
