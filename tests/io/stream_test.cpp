#include "maze/io/stream.hpp"

#include "support/handshakes.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <thread>

using namespace maze;
using core::errc;
using io::node_role;
using test::must;
using test::patience;

namespace {

/// Two ends, plain or encrypted.
std::pair<io::stream, io::stream> streams(bool encrypted) {
  const test::cluster_keys keys;
  const auto master = keys.issue(node_role::master, "head");
  const auto worker = keys.issue(node_role::worker, "w1");
  if (encrypted) {
    auto [a, b] = test::tls_streams(must(io::tls_context::make(master)), test::hello_of(master),
                                    must(io::tls_context::make(worker)), test::hello_of(worker));
    return {std::move(a.bytes), std::move(b.bytes)};
  }
  auto [near, far] = test::socket_pair();
  return {io::stream(io::transport(std::move(near), nullptr), {.who = worker.self, .address = "x"}),
          io::stream(io::transport(std::move(far), nullptr), {.who = master.self, .address = "y"})};
}

std::string noise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string out(size, ' ');
  for (auto& c : out)
    c = static_cast<char>(random());
  return out;
}

io::deadline at_once() { return std::chrono::steady_clock::now(); }

} // namespace

TEST_CASE("megabytes arrive as they were sent", "[io][stream]") {
  const bool encrypted = GENERATE(false, true);
  auto [a, b] = streams(encrypted);
  const auto sent = noise(3 << 20);
  core::result<void> wrote;
  std::thread writer([&, &from = a] { wrote = from.write_all(sent, patience()); });
  std::string got(sent.size(), ' ');
  const auto read = b.read_all(got, patience());
  writer.join();
  CHECK(wrote);
  CHECK(read);
  CHECK((got == sent));
}

TEST_CASE("a part of a file arrives as it lies there", "[io][stream]") {
  const bool encrypted = GENERATE(false, true);
  const test::scratch_dir dir;
  const auto content = noise(3 << 20);
  REQUIRE(io::replace_file(dir / "f", content));
  const io::unique_fd file(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  auto [a, b] = streams(encrypted);
  const std::uint64_t offset = 12'345, length = content.size() - 2 * offset;
  core::result<void> sent;
  std::thread writer(
      [&, &from = a] { sent = from.send_file(file.get(), offset, length, patience()); });
  std::string got(length, ' ');
  const auto read = b.read_all(got, patience());
  writer.join();
  CHECK(sent);
  CHECK(read);
  CHECK((got == content.substr(offset, length)));
  CHECK(a.send_file(file.get(), 0, 0, at_once()));
  const auto beyond = a.send_file(file.get(), content.size() - 1, 2, patience());
  REQUIRE_FALSE(beyond);
  CHECK_THAT(beyond.error().message, Catch::Contains("1 bytes too early"));
}

TEST_CASE("a deadline ends the waiting and the message names the peer", "[io][stream]") {
  const bool encrypted = GENERATE(false, true);
  auto [a, b] = streams(encrypted);
  std::string room(8, ' ');
  const auto silent = a.read_some(room, at_once());
  REQUIRE_FALSE(silent);
  CHECK(silent.error().code == errc::transfer_error);
  CHECK_THAT(silent.error().message,
             Catch::Contains("worker w1 (") && Catch::Contains("sent nothing in time"));
  const std::string large(16 << 20, 'x');
  const auto full = a.write_all(large, at_once());
  REQUIRE_FALSE(full);
  CHECK_THAT(full.error().message, Catch::Contains("took no more bytes in time"));
}

TEST_CASE("a stream that was closed in order ends, one cut short is a failure", "[io][stream]") {
  const bool encrypted = GENERATE(false, true);
  auto [a, b] = streams(encrypted);
  REQUIRE(b.write_all(std::string_view("abc"), patience()));
  { const auto gone = std::move(b); }
  std::string room(8, ' ');
  CHECK(a.read_some(room, patience()) == 3U);
  CHECK(a.read_some(room, patience()) == 0U);
  const auto early = a.read_all(room, patience());
  REQUIRE_FALSE(early);
  CHECK_THAT(early.error().message, Catch::Contains("8 bytes too early"));
}

TEST_CASE("a connection that dies under TLS is broken, not ended", "[io][stream]") {
  auto [a, b] = streams(true);
  auto parts = b.release();
  parts.ssl.reset();
  parts.fd.reset();
  std::string room(8, ' ');
  const auto broken = a.read_some(room, patience());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == errc::transfer_error);
  CHECK_THAT(broken.error().message, Catch::Contains("the connection to worker w1"));
}

TEST_CASE("another thread can end the waiting", "[io][stream]") {
  const bool encrypted = GENERATE(false, true);
  auto [a, b] = streams(encrypted);
  std::thread other([&sut = a] { sut.interrupt(); });
  std::string room(8, ' ');
  const auto got = a.read_all(room, patience());
  other.join();
  CHECK_FALSE(got);
}

TEST_CASE("released parts are a live connection", "[io][stream]") {
  auto [a, b] = streams(true);
  auto parts = a.release();
  REQUIRE(parts.ssl);
  CHECK(SSL_get_fd(parts.ssl.get()) == parts.fd.get());
  CHECK(SSL_write(parts.ssl.get(), "hi", 2) == 2);
  std::string room(2, ' ');
  CHECK(b.read_all(room, patience()));
  CHECK(room == "hi");
  parts.ssl.reset();
}
