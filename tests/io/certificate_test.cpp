#include "maze/io/certificate.hpp"

#include "support/cluster_keys.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace maze;
using io::node_role;
using std::chrono::hours;

TEST_CASE("a certificate says who a node is and until when", "[io][certificate]") {
  const io::wall_time now(std::chrono::seconds(1'800'000'000));
  const test::cluster_keys keys({{.high = 7, .low = 8}}, now);
  const auto x = keys.issue(node_role::worker, "w1");
  const auto facts = test::must(io::read_certificate(x.own.certificate));
  CHECK(facts.who == x.self);
  CHECK(facts.valid.from == now - hours(1));
  CHECK(facts.valid.until == now + hours(24));
  CHECK(io::check_pair(x.authority, x.own));
  CHECK(io::utc_text(now) == "2027-01-15 08:00:00 UTC");
}

TEST_CASE("a certificate says what its holder may do, and the authority signs that",
          "[io][certificate]") {
  const test::cluster_keys keys;
  core::permission_set some;
  some.add(core::permission::read_files);
  some.add(core::permission::network_access);
  for (const auto permitted : {core::permission_set{}, some, core::permission_set::all()}) {
    const auto x = keys.issue(node_role::client, "anna", permitted);
    const auto facts = test::must(io::read_certificate(x.own.certificate));
    CHECK(facts.who == x.self);
    CHECK(facts.permitted == permitted);
  }
  CHECK(
      test::must(io::read_certificate(keys.issue(node_role::client, "x").own.certificate)).permitted
      == core::permission_set::all());
  // Whoever holds one cannot make another that says more: see also the signer's path length.
  const auto own = keys.issue(node_role::client, "anna", some);
  const auto wider = test::must(io::issue_certificate(own.own, {.who = own.self}, keys.life()));
  CHECK_FALSE(io::check_pair(own.authority, wider));
}

TEST_CASE("every certificate has a serial number and a key of its own", "[io][certificate]") {
  const test::cluster_keys keys;
  std::set<std::string> serials, secrets;
  for (int i = 0; i < 8; ++i) {
    const auto x = keys.issue(node_role::client, "same");
    serials.insert(test::must(io::read_certificate(x.own.certificate)).serial);
    secrets.insert(x.own.key);
  }
  CHECK(serials.size() == 8);
  CHECK(secrets.size() == 8);
}

TEST_CASE("keys and certificates that do not belong together are told apart", "[io][certificate]") {
  const test::cluster_keys ours, theirs;
  const auto x = ours.issue(node_role::worker, "w1");
  const auto other = ours.issue(node_role::worker, "w2");
  const auto wrong_key =
      io::check_pair(x.authority, {.certificate = x.own.certificate, .key = other.own.key});
  REQUIRE_FALSE(wrong_key);
  CHECK_THAT(wrong_key.error().message, Catch::Contains("key does not belong"));
  // The same name of the same cluster id, another key: the signature alone decides.
  const auto foreign = io::check_pair(theirs.authority().certificate, x.own);
  REQUIRE_FALSE(foreign);
  CHECK_THAT(foreign.error().message, Catch::Contains("did not sign"));
  // A node's certificate is no authority.
  const auto chained = io::issue_certificate(x.own, {.who = other.self}, ours.life());
  REQUIRE(chained);
  CHECK_FALSE(io::check_pair(x.own.certificate, *chained));
}

TEST_CASE("an authority is no node, and names are checked", "[io][certificate]") {
  const test::cluster_keys keys;
  const auto refused = io::read_certificate(keys.authority().certificate);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("no maze node's"));
  const io::node_identity bad{.role = node_role::worker, .name = "a,DNS:b", .cluster = keys.id()};
  CHECK(io::issue_certificate(keys.authority(), {.who = bad}, keys.life()).error().code
        == core::errc::invalid_argument);
}

TEST_CASE("texts that are no certificate or no key are refused", "[io][certificate]") {
  const test::cluster_keys keys;
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("-----BEGIN CERTIFICATE-----\nAAAA\n"),
        std::string(1 << 20, '-'), keys.authority().certificate.substr(0, 200)}) {
    CHECK(io::parse_certificate(text).error().code == core::errc::malformed);
    CHECK(io::parse_key(text).error().code == core::errc::malformed);
  }
}
