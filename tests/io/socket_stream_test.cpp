#include "maze/io/socket_stream.hpp"

#include "support/scratch_dir.hpp"
#include "support/stream_pair.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;
using test::soon;

namespace {

struct stream_fixture : test::stream_pair {
  test::scratch_dir dir;

  io::unique_fd file_of(const std::string& content) {
    REQUIRE(io::replace_file(dir / "f", content));
    return io::unique_fd(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::string read_far(std::size_t size) {
    std::string all;
    std::array<char, 70000> room{};
    while (all.size() < size) {
      const auto got = far->read_some(room, soon());
      if (!got || *got == 0)
        break;
      all.append(room.data(), *got);
    }
    return all;
  }
  static std::string large() {
    std::string all(3'000'000, 'x');
    for (std::size_t i = 0; i < all.size(); i += 91)
      all[i] = static_cast<char>(i);
    return all;
  }
};

io::stream_deadline at_once() { return std::chrono::steady_clock::now() + 20ms; }

} // namespace

TEST_CASE_METHOD(stream_fixture, "more than a socket holds arrives whole", "[io][socket_stream]") {
  const auto sent = large();
  std::string got;
  std::thread reader([&] { got = read_far(sent.size()); });
  CHECK(near->write_all(sent, soon()));
  reader.join();
  CHECK(got == sent);
}

TEST_CASE_METHOD(stream_fixture, "a part of a file arrives", "[io][socket_stream]") {
  const auto content = large();
  const auto file = file_of(content);
  std::string got;
  std::thread reader([&] { got = read_far(content.size() - 77); });
  CHECK(near->send_file(file.get(), 70, content.size() - 77, soon()));
  reader.join();
  CHECK(got == content.substr(70, content.size() - 77));
}

TEST_CASE_METHOD(stream_fixture, "a file that is shorter than promised is an error",
                 "[io][socket_stream]") {
  const auto file = file_of("short");
  const auto done = near->send_file(file.get(), 0, 9, soon());
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::transfer_error);
  CHECK(done.error().message.find("4 bytes") != std::string::npos);
}

TEST_CASE_METHOD(stream_fixture, "a peer that does nothing is given up", "[io][socket_stream]") {
  std::array<char, 8> room{};
  const auto read = near->read_some(room, at_once());
  REQUIRE_FALSE(read);
  CHECK(read.error().code == core::errc::transfer_error);
  CHECK(near->write_all(large(), at_once()).error().code == core::errc::transfer_error);
  const auto file = file_of(large());
  CHECK(far->send_file(file.get(), 0, large().size(), at_once()).error().code
        == core::errc::transfer_error);
}

TEST_CASE_METHOD(stream_fixture, "a peer that has gone is an error and no signal",
                 "[io][socket_stream]") {
  far.reset();
  const auto file = file_of("content");
  CHECK(near->send_file(file.get(), 0, 7, soon()).error().code == core::errc::transfer_error);
  CHECK(near->write_all("content", soon()).error().code == core::errc::transfer_error);
  std::array<char, 8> room{};
  CHECK(near->read_some(room, soon()).value_or(9) == 0);
  sigset_t waiting;
  REQUIRE(::sigpending(&waiting) == 0);
  CHECK(sigismember(&waiting, SIGPIPE) == 0);
}

TEST_CASE_METHOD(stream_fixture, "another thread can end a wait", "[io][socket_stream]") {
  std::thread other([&] { near->shut_down(); });
  std::array<char, 8> room{};
  CHECK(near->read_some(room, soon()).value_or(9) == 0);
  other.join();
}
