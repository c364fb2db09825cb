#include "maze/sandbox/output_pipe.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace maze;
using namespace maze::sandbox;

namespace {

struct pipe_ends {
  pipe_ends() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    in.reset(ends[0]);
    out.reset(ends[1]);
  }
  io::unique_fd in;
  io::unique_fd out;
};

} // namespace

TEST_CASE("what lies in a pipe nobody watched is found at the end", "[sandbox][output_pipe]") {
  boost::asio::io_context context;
  pipe_ends ends;
  const auto sut = std::make_shared<output_pipe>(context, std::move(ends.in), capture_limits{});
  REQUIRE(::write(ends.out.get(), "hello", 5) == 5);
  // The other end is still open: a finish that waited for the end of the stream would hang.
  const auto kept = sut->finish();
  CHECK(kept.text == "hello");
  CHECK(kept.total == 5);
}

TEST_CASE("a writer of more than a pipe holds is served while it writes",
          "[sandbox][output_pipe]") {
  boost::asio::io_context context;
  pipe_ends ends;
  const auto sut = std::make_shared<output_pipe>(context, std::move(ends.in),
                                                 capture_limits{.report_max = 1000});
  sut->watch();
  constexpr std::size_t size = std::size_t{4} << 20;
  std::thread writer([out = std::move(ends.out)] {
    const std::string text(size, 'x');
    for (std::size_t done = 0; done < size;) {
      const auto count = ::write(out.get(), text.data() + done, size - done);
      if (count <= 0)
        return;
      done += static_cast<std::size_t>(count);
    }
  });
  // Ends by itself when the stream has ended, because nothing is pending any more.
  context.run();
  writer.join();
  const auto kept = sut->finish();
  CHECK(kept.total == size);
  CHECK(kept.text == std::string(1000, 'x'));
}

TEST_CASE("a watched pipe can be finished while its other end is open", "[sandbox][output_pipe]") {
  boost::asio::io_context context;
  pipe_ends ends;
  const auto sut = std::make_shared<output_pipe>(context, std::move(ends.in), capture_limits{});
  sut->watch();
  REQUIRE(::write(ends.out.get(), "tail", 4) == 4);
  CHECK(sut->finish().text == "tail");
  context.run();
}
