#include "maze/io/tls.hpp"

#include "support/cluster_keys.hpp"
#include "support/handshakes.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using io::node_role;
using std::chrono::hours;
using test::must;

TEST_CASE("a context needs credentials that belong together and count", "[io][tls]") {
  const test::cluster_keys keys;
  const auto own = keys.issue(node_role::worker, "w1");
  const auto context = must(io::tls_context::make(own));
  CHECK(context.self() == own.self);
  CHECK(context.check_time(keys.now()));
  const auto late = context.check_time(keys.now() + hours(25));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == core::errc::stale);

  auto mixed = own;
  mixed.own.key = keys.issue(node_role::worker, "w2").own.key;
  CHECK(io::tls_context::make(mixed).error().code == core::errc::malformed);
  mixed = own;
  mixed.authority = test::cluster_keys().authority().certificate;
  CHECK(io::tls_context::make(mixed).error().code == core::errc::malformed);
}

TEST_CASE("a session is TLS 1.3 and names its peer", "[io][tls]") {
  const test::cluster_keys keys;
  const auto master = keys.issue(node_role::master, "head");
  const auto worker = keys.issue(node_role::worker, "w1");
  auto [theirs, ours] =
      test::tls_streams(must(io::tls_context::make(master)), test::hello_of(master),
                        must(io::tls_context::make(worker)), test::hello_of(worker));
  auto parts = theirs.bytes.release();
  CHECK(SSL_version(parts.ssl.get()) == TLS1_3_VERSION);
  CHECK(io::peer_of(*parts.ssl)->who == worker.self);
  CHECK(SSL_get_app_data(parts.ssl.get()) == nullptr);
}

TEST_CASE("without a verified certificate there is no peer", "[io][tls]") {
  const test::cluster_keys keys;
  const auto context = must(io::tls_context::make(keys.issue(node_role::worker, "w1")));
  auto [near, far] = test::socket_pair();
  std::string fault;
  const auto session = must(context.session(near.get(), io::tls_side::accepts, &fault));
  CHECK(io::peer_of(*session).error().code == core::errc::permission_denied);
}

TEST_CASE("the reason of a failure is the certificate's if there is one", "[io][tls]") {
  const auto refused = io::explain_tls_failure("it has expired");
  CHECK(refused.certificate);
  CHECK(refused.text == "it has expired");
  ERR_raise(ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA);
  CHECK_THAT(io::explain_tls_failure("").text, Catch::Contains("of another cluster"));
  ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
  const auto spoke = io::explain_tls_failure("");
  CHECK_FALSE(spoke.certificate);
  CHECK_THAT(spoke.text, Catch::Contains("does not speak TLS 1.3"));
  CHECK(ERR_peek_error() == 0);
}
