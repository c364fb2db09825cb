#include "maze/sandbox/machine_libraries.hpp"

#include "support/process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze;
using namespace maze::sandbox;

TEST_CASE("a program of this machine takes its loader and libraries along",
          "[sandbox][container]") {
  const std::filesystem::path program = MAZE_BIN_DIR "/maze-host";
  const auto found = libraries_for(program);
  REQUIRE(found);
  REQUIRE(found->command.size() == 5);
  CHECK(found->command.back() == "/run/maze/maze-host");
  CHECK(found->mounts.back().from == program);
  // What a container sees below its folder, looked up where it comes from.
  const auto outside = [&](const std::string& inside) -> std::string {
    for (const container_mount& each : found->mounts)
      if (const auto& to = each.to.native(); inside == to || inside.starts_with(to + "/"))
        return each.from.native() + inside.substr(to.size());
    return "not shown: " + inside;
  };
  std::vector<std::string> words{outside(found->command[0]), found->command[1], found->command[2],
                                 ""};
  for (std::size_t at = 0; at < found->command[3].size();) {
    const auto end = std::min(found->command[3].find(':', at), found->command[3].size());
    const auto folder = outside(found->command[3].substr(at, end - at));
    INFO(folder);
    CHECK(std::filesystem::is_directory(folder));
    words.back() += folder + ":";
    at = end + 1;
  }
  words.insert(words.end(), {outside(found->command[4]), "--help"});
  const auto ended = test::run({.argv = words});
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(std::none_of(found->mounts.begin(), found->mounts.end(),
                     [](const auto& each) { return each.writable; }));
}

TEST_CASE("what is no dynamic program takes nothing along", "[sandbox][container]") {
  for (const char* program :
       {MAZE_BIN_DIR "/maze-attack-is-not-there", "/etc/passwd", MAZE_BIN_DIR "/runner.py"}) {
    INFO(program);
    CHECK(libraries_for(program).error().code == core::errc::unsupported_operation);
  }
}
