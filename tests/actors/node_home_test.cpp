#include "maze/actors/node_home.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace maze;
using namespace maze::actors;

namespace {

struct home_fixture {
  test::scratch_dir folder;

  node_settings settings() {
    node_settings out;
    out.folder = folder / "deep" / "state";
    out.durable = false;
    out.init_executable = MAZE_BIN_DIR "/maze-init";
    return out;
  }
  core::result<std::unique_ptr<node_home>> open(const node_settings& how) {
    return node_home::open(how, io::log::open({.file = folder / "log"}).value());
  }
};

} // namespace

TEST_CASE_METHOD(home_fixture, "a home is made with all that a node needs", "[actors][node_home]") {
  const auto home = open(settings());
  REQUIRE(home);
  struct stat info {};
  REQUIRE(::stat(settings().folder.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0711);
  CHECK(std::filesystem::is_directory(settings().folder / "runs"));
  CHECK((*home)->blobs->put_bytes("content"));
  CHECK((*home)->launcher);
}

TEST_CASE_METHOD(home_fixture, "a home belongs to one process at a time", "[actors][node_home]") {
  auto first = open(settings());
  REQUIRE(first);
  const auto second = open(settings());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == core::errc::already_exists);
  CHECK(second.error().message.find(settings().folder.string()) != std::string::npos);
  first->reset();
  CHECK(open(settings()));
}

TEST_CASE_METHOD(home_fixture, "a home that cannot be made says why", "[actors][node_home]") {
  auto how = settings();
  SECTION("a file is in the way") {
    how.folder = folder / "log" / "state";
    const auto home = open(how);
    REQUIRE_FALSE(home);
    CHECK(home.error().message.find(how.folder.string()) != std::string::npos);
  }
  SECTION("children of other users could not reach it") {
    how.first_user = 100000;
    const auto home = open(how);
    REQUIRE_FALSE(home);
    CHECK(home.error().code == core::errc::permission_denied);
    CHECK(home.error().message.find(folder.path().string()) != std::string::npos);
  }
  SECTION("there is no maze-init") {
    how.init_executable = folder / "no-such-init";
    const auto home = open(how);
    REQUIRE_FALSE(home);
    CHECK(home.error().message.find("no-such-init") != std::string::npos);
  }
}

TEST_CASE_METHOD(home_fixture, "a home tells what of sandboxes it can really give",
                 "[actors][node_home]") {
  auto how = settings();
  how.passed_variables = {"TOKEN"};
  how.permitted = {};
  how.permitted.add(core::permission::network_access);
  auto home = open(how);
  REQUIRE(home);
  const auto& can = (*home)->launcher->can();
  const auto offers = (*home)->offers(how);
  CHECK(offers.variables == how.passed_variables);
  CHECK(offers.permissions == how.permitted);
  CHECK(offers.cpu_shares == can.cpu_share_groups);
  CHECK_FALSE(offers.container);
  // Root itself cannot be sealed, whatever the machine can do.
  CHECK(offers.sealed == (can.sealed && ::geteuid() != 0));
  home->reset();
  how.works = false;
  const auto idle = open(how);
  REQUIRE(idle);
  CHECK_FALSE((*idle)->offers(how).sealed);
}
