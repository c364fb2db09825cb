// Whatever a peer says instead of its hello, either end of a handshake comes to an end; a hello that
// is let in is canonical, and what a refusal says is safe to show.
#include "maze/core/utf8.hpp"
#include "maze/io/handshake.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <sys/socket.h>

using namespace maze;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

const io::hello master{
    .protocol = {.version = "0.1.0", .types = 1},
    .purpose = io::plane::control,
    .who = {.role = io::node_role::master, .name = "head", .cluster = {{.high = 1, .low = 2}}},
    .incarnation = 1};

void check_finished(io::handshake& sut, std::string_view said) {
  // The peer has said everything and closed its side: there is nothing left to wait for.
  const auto end = sut.advance();
  require(end == io::handshake_step::done || end == io::handshake_step::failed);
  if (end == io::handshake_step::failed) {
    require(!sut.fault().what.message.empty());
    require(core::is_utf8(sut.fault().what.message));
    return;
  }
  const auto kind = static_cast<io::hello_kind>(said[4]);
  require(said.starts_with(io::encode_hello(sut.take().peer, kind)));
}

} // namespace

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view said(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::array<int, 2> ends{};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
  io::unique_fd near(ends[0]);
  const io::unique_fd far(ends[1]);
  static_cast<void>(::send(far.get(), said.data(), said.size(), MSG_NOSIGNAL));
  ::shutdown(far.get(), SHUT_WR);
  const io::handshake_settings settings{.own = master};
  const auto side = data[0] % 2 == 0 ? io::tls_side::accepts : io::tls_side::connects;
  const auto sut = io::handshake::start(std::move(near), side, settings, "the fuzzer");
  require(sut.has_value());
  check_finished(**sut, said);
  return 0;
}
