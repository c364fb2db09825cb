#include "node/cluster_place.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/stat.h>

using namespace maze;
using namespace maze::node;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

cluster_record record_of(const std::string& name) {
  return {.name = name,
          .pid = 42,
          .state = "/var/lib/maze/clusters/" + name,
          .started = core::wall_time(7),
          .id = {{1, 2}},
          .listens = {io::tcp_endpoint{"127.0.0.1", 4242}}};
}

struct fixture {
  test::scratch_dir folder;
  fs::path root = folder / "maze";

  cluster_place claim(const std::string& name) {
    auto place = cluster_place::claim(root, name);
    if (!place)
      FAIL(place.error().message);
    REQUIRE(place->publish(record_of(name)));
    return std::move(*place);
  }
};

} // namespace

TEST_CASE("the runtime folder is where XDG says, else one's own", "[tools][cluster_place]") {
  CHECK(runtime_root({.environment = {{"XDG_RUNTIME_DIR", "/run/user/7"}}}, 7)
        == "/run/user/7/maze");
  CHECK(runtime_root({.environment = {{"XDG_RUNTIME_DIR", "relative"}}}, 7) == "/tmp/maze-7");
  CHECK(runtime_root({.environment = {}, .is_root = true}, 0) == "/run/maze");
}

TEST_CASE("a record comes back from its text", "[tools][cluster_place]") {
  const auto record = record_of("lab");
  const auto back = parse_cluster_record(to_json(record));
  REQUIRE(back);
  CHECK(*back == record);
  for (const char* wrong : {"", "[]", "{}", "{\"name\": 1}"})
    CHECK(parse_cluster_record(wrong).error().code == core::errc::malformed);
}

TEST_CASE_METHOD(fixture, "a cluster is found while it lives", "[tools][cluster_place]") {
  CHECK(find_clusters(root)->empty());
  {
    const auto place = claim("lab");
    CHECK(fs::status(root).permissions() == fs::perms::owner_all);
    const auto found = find_clusters(root);
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    CHECK(found->front().record == record_of("lab"));
    CHECK(found->front().socket == place.socket());
    CHECK(cluster_place::claim(root, "lab").error().code == core::errc::already_exists);
  }
  CHECK(find_clusters(root)->empty());
  CHECK_FALSE(fs::exists(root / "lab"));
}

TEST_CASE_METHOD(fixture, "what a dead process left is removed", "[tools][cluster_place]") {
  claim("alive");
  fs::create_directories(root / "dead");
  std::ofstream(root / "dead" / "lock");
  std::ofstream(root / "dead" / "socket");
  std::ofstream(root / "dead" / "cluster.json") << to_json(record_of("dead"));
  CHECK(find_clusters(root)->empty());
  CHECK_FALSE(fs::exists(root / "dead"));
  claim("dead");
}

TEST_CASE_METHOD(fixture, "the only cluster is meant unless one is named",
                 "[tools][cluster_place]") {
  const auto none = choose_cluster(root, "");
  CHECK(none.error().code == core::errc::not_found);
  CHECK_THAT(none.error().message, Contains("maze-node start --detach"));
  const auto first = claim("one");
  CHECK(choose_cluster(root, "")->record.name == "one");
  const auto second = claim("two");
  const auto both = choose_cluster(root, "");
  CHECK(both.error().code == core::errc::invalid_argument);
  CHECK_THAT(both.error().message,
             Contains("one (process 42), two (process 42)") && Contains("--cluster"));
  CHECK(choose_cluster(root, "two")->record.name == "two");
  CHECK_THAT(choose_cluster(root, "three").error().message, Contains("one (process 42)"));
}

TEST_CASE_METHOD(fixture, "the cluster of one run is meant only where it is named",
                 "[tools][cluster_place]") {
  const auto place = claim("run-7");
  auto record = record_of("run-7");
  record.passing = true;
  REQUIRE(place.publish(record));
  CHECK(choose_cluster(root, "").error().code == core::errc::not_found);
  CHECK(choose_cluster(root, "run-7")->record.passing);
}

TEST_CASE_METHOD(fixture, "sockets beside a cluster's own go with it", "[tools][cluster_place]") {
  {
    const auto place = claim("lab");
    const auto socket = fresh_socket(*choose_cluster(root, ""));
    CHECK(socket.parent_path() == root / "lab");
    CHECK(socket != fresh_socket(*choose_cluster(root, "")));
    REQUIRE(io::replace_file(socket, "", 0600));
  }
  CHECK_FALSE(fs::exists(root / "lab"));
}

TEST_CASE_METHOD(fixture, "a folder that others may enter is not trusted",
                 "[tools][cluster_place]") {
  fs::create_directories(root);
  ::chmod(root.c_str(), 0755);
  CHECK(cluster_place::claim(root, "lab").error().code == core::errc::permission_denied);
  CHECK(find_clusters(root).error().code == core::errc::permission_denied);
  fs::remove(root);
  fs::create_directory_symlink("/tmp", root);
  CHECK(cluster_place::claim(root, "lab").error().code == core::errc::permission_denied);
}

TEST_CASE_METHOD(fixture, "a name that could be a path is refused", "[tools][cluster_place]") {
  for (const char* name : {"", "..", "a/b", ".x"})
    CHECK(cluster_place::claim(root, name).error().code == core::errc::invalid_argument);
}
