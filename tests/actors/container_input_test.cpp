#include "maze/actors/container_input.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <poll.h>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;

TEST_CASE("what a child in a container begins with comes, and no end before nobody holds it",
          "[actors][container]") {
  boost::asio::io_context context;
  auto input = make_container_input(context, "how it begins").value();
  context.run();
  context.restart();
  const int fd = input.inner->get();
  std::array<char, 64> bytes{};
  CHECK(::read(fd, bytes.data(), bytes.size()) == 13);
  CHECK(std::string_view(bytes.data(), 13) == "how it begins");
  const auto has_more = [fd] {
    pollfd of{fd, POLLIN, 0};
    return ::poll(&of, 1, 0) == 1;
  };
  CHECK_FALSE(has_more());
  input.hold.reset();
  context.run();
  REQUIRE(has_more());
  CHECK(::read(fd, bytes.data(), bytes.size()) == 0);
}
