#include "maze/io/identity.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;
using io::node_role;

namespace {

const io::cluster_id cluster{{.high = 0x1234, .low = 0xabcd}};
const std::string hex = "0000000000001234000000000000abcd";

} // namespace

TEST_CASE("roles have names", "[io][identity]") {
  for (const auto role : {node_role::master, node_role::worker, node_role::client}) {
    CHECK(io::is_known(role));
    CHECK(io::node_role_from_string(to_string(role)) == role);
  }
  CHECK_FALSE(io::is_known(node_role{0}));
  CHECK_FALSE(io::node_role_from_string("Master"));
  CHECK(to_string(node_role{9}) == "unknown");
}

TEST_CASE("an identity is one URI", "[io][identity]") {
  const io::node_identity x{.role = node_role::worker, .name = "w-1.rack_2", .cluster = cluster};
  CHECK(io::to_uri({.who = x}) == "maze://" + hex + "/worker/w-1.rack_2");
  CHECK(io::identity_from_uri(io::to_uri({.who = x})) == io::certified_identity{.who = x});
  CHECK(to_string(x) == "worker w-1.rack_2");
  for (const std::string& bad :
       {std::string(), std::string("maze://"), "maze://" + hex, "maze://" + hex + "/worker",
        "maze://" + hex + "/worker/", "maze://" + hex + "/king/w1", "maze://" + hex + "x/worker/w1",
        "http://" + hex + "/worker/w1", "maze://" + hex + "/worker/w1/x",
        "maze://" + hex + "/worker/w 1"}) {
    INFO(bad);
    CHECK_FALSE(io::identity_from_uri(bad));
  }
}

TEST_CASE("what an identity may do stands behind its URI, in one way only", "[io][identity]") {
  const std::string uri = "maze://" + hex + "/client/anna";
  const io::node_identity anna{.role = node_role::client, .name = "anna", .cluster = cluster};
  core::permission_set some;
  CHECK(io::to_uri({.who = anna, .permitted = some}) == uri + "?permit=none");
  CHECK(io::identity_from_uri(uri + "?permit=none")->permitted.empty());
  some.add(core::permission::network_access);
  some.add(core::permission::read_files);
  CHECK(io::to_uri({.who = anna, .permitted = some}) == uri + "?permit=read_files+network_access");
  CHECK(io::identity_from_uri(uri + "?permit=read_files+network_access")
        == io::certified_identity{.who = anna, .permitted = some});
  // A name that a later maze knows is not taken for nothing.
  for (const char* bad :
       {"?permit=", "?permit=all", "?permit=network_access+read_files",
        "?permit=read_files,network_access", "?", "?permit=read_files+read_files",
        "?permit=read_files+fly", "?permit=none?permit=none", "?permit=none&x=1", "?allow=none"}) {
    INFO(bad);
    CHECK_FALSE(io::identity_from_uri(uri + bad));
  }
}

TEST_CASE("a node's name is a short word", "[io][identity]") {
  CHECK(io::check_node_name("a"));
  CHECK(io::check_node_name(std::string(64, 'a')));
  for (const std::string& bad :
       {std::string(), std::string(65, 'a'), std::string("-a"), std::string("a/b"),
        std::string("a b"), std::string("a\0b", 3), std::string("\xc3\xa4")}) {
    const auto refused = io::check_node_name(bad);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("1 to 64 letters"));
  }
}
