#include "maze/actors/container_words.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using strings = std::vector<std::string>;

namespace {

host_programs node_programs() { return host_programs::beside(MAZE_BIN_DIR "/maze-init"); }

} // namespace

TEST_CASE("a command in a container is what it says and sees nothing of the node's programs",
          "[actors][container]") {
  const auto words = words_inside({"/bin/sh", "-c", "true"}, node_programs()).value();
  CHECK(words.argv == strings{"/bin/sh", "-c", "true"});
  CHECK(words.mounts.empty());
}

TEST_CASE("Python in a container is the image's, and what it runs the node's",
          "[actors][container]") {
  const auto here = node_programs();
  const auto words = words_inside({here.python, "-I", "-B", here.runner, "--once"}, here).value();
  CHECK(words.argv == strings{"python3", "-I", "-B", "/run/maze/runner.py", "--once"});
  REQUIRE(words.mounts.size() == 2);
  CHECK(words.mounts[0].from == here.runner);
  CHECK(words.mounts[0].to == "/run/maze/runner.py");
  CHECK(words.mounts[1].to == "/run/maze/maze_runner");
}

TEST_CASE("what calls functions of libraries takes the machine's libraries along",
          "[actors][container]") {
  auto here = node_programs();
  const auto words = words_inside({here.libraries, "--once"}, here).value();
  REQUIRE(words.argv.size() == 6);
  CHECK(words.argv[4] == "/run/maze/maze-host");
  CHECK(words.argv[5] == "--once");
  CHECK_FALSE(words.mounts.empty());
  here.libraries = "/nowhere";
  CHECK(words_inside({here.libraries}, here).error().code == core::errc::unsupported_operation);
}
