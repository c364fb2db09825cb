#include "maze/io/handshake.hpp"

#include "support/handshakes.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace maze;
using core::errc;
using io::handshake_step;
using io::node_role;
using io::refusal;
using test::handshake_pair;
using test::hello_of;
using test::must;

namespace {

const std::pair both_done{handshake_step::done, handshake_step::done};
const std::pair both_failed{handshake_step::failed, handshake_step::failed};

struct ends {
  test::cluster_keys keys;
  io::credentials master = keys.issue(node_role::master, "head");
  io::credentials worker = keys.issue(node_role::worker, "w1");
  io::tls_context master_tls = must(io::tls_context::make(master));
  io::tls_context worker_tls = must(io::tls_context::make(worker));
};

} // namespace

TEST_CASE_METHOD(ends, "two nodes of a cluster know each other after the handshake",
                 "[io][handshake]") {
  const bool encrypted = GENERATE(true, false);
  handshake_pair pair(
      {.own = hello_of(master), .tls = encrypted ? &master_tls : nullptr},
      {.own = hello_of(worker, io::plane::bulk), .tls = encrypted ? &worker_tls : nullptr});
  REQUIRE(pair.run() == both_done);
  auto theirs = pair.server->take();
  auto ours = pair.client->take();
  CHECK(theirs.peer == hello_of(worker, io::plane::bulk));
  CHECK(theirs.ticket.empty());
  CHECK(ours.peer == hello_of(master, io::plane::bulk));
  CHECK(theirs.bytes.peer().who == worker.self);
  CHECK(ours.bytes.peer().who == master.self);
  CHECK(theirs.bytes.peer().certified == encrypted);
  CHECK(theirs.bytes.peer().address == "the client");
}

TEST_CASE_METHOD(ends,
                 "both ends know what the peer may do and share a ticket that is new each time",
                 "[io][handshake]") {
  core::permission_set some;
  some.add(core::permission::read_files);
  const auto anna = keys.issue(node_role::client, "anna", some);
  const auto anna_tls = must(io::tls_context::make(anna));
  const bool encrypted = GENERATE(true, false);
  std::vector<core::session_ticket> tickets;
  for (int i = 0; i < 2; ++i) {
    auto said = hello_of(anna);
    said.ticket = {{.high = 1, .low = 1}};
    handshake_pair pair({.own = hello_of(master), .tls = encrypted ? &master_tls : nullptr},
                        {.own = said, .tls = encrypted ? &anna_tls : nullptr});
    REQUIRE(pair.run() == both_done);
    const auto theirs = pair.server->take();
    const auto ours = pair.client->take();
    CHECK(theirs.bytes.peer().permitted == (encrypted ? some : core::permission_set::all()));
    CHECK(ours.bytes.peer().permitted == core::permission_set::all());
    CHECK(theirs.ticket == ours.ticket);
    CHECK_FALSE(theirs.ticket.empty());
    CHECK_FALSE(theirs.ticket == said.ticket);
    tickets.push_back(theirs.ticket);
  }
  CHECK_FALSE(tickets[0] == tickets[1]);
}

TEST_CASE_METHOD(ends, "bytes behind the hello stay for the stream", "[io][handshake]") {
  auto [near, far] = test::socket_pair();
  const io::handshake_settings settings{.own = hello_of(master)};
  const auto sut =
      must(io::handshake::start(std::move(near), io::tls_side::accepts, settings, "the client"));
  test::push(far.get(), io::encode_hello(hello_of(worker), io::hello_kind::introduces) + "next");
  REQUIRE(sut->advance() == handshake_step::done);
  auto made = sut->take();
  std::string rest(4, ' ');
  REQUIRE(made.bytes.read_all(rest, test::patience()));
  CHECK(rest == "next");
}

TEST_CASE_METHOD(ends, "what the hello lacks is told to both ends", "[io][handshake]") {
  const bool encrypted = GENERATE(true, false);
  const auto run = [&](const io::hello& said, bool control, refusal why, errc code,
                       const std::string& text) {
    handshake_pair pair(
        {.own = hello_of(master), .tls = encrypted ? &master_tls : nullptr, .control = control},
        {.own = said, .tls = encrypted ? &worker_tls : nullptr});
    REQUIRE(pair.run() == both_failed);
    CHECK(pair.server_fault->why == why);
    CHECK_THAT(pair.server_fault->what.message, Catch::Contains(text));
    CHECK(pair.client->fault().what.code == code);
    CHECK_THAT(pair.client->fault().what.message,
               Catch::StartsWith("it refused the connection: ") && Catch::Contains(text));
  };
  auto said = hello_of(worker);
  said.protocol.version = "9.9.9";
  run(said, true, refusal::protocol, errc::stale, "maze 9.9.9");
  run(said, true, refusal::protocol, errc::stale, "maze 0.1.0");
  said = hello_of(worker);
  said.who.cluster.bits.high ^= 1;
  run(said, true, refusal::cluster, errc::permission_denied, "belongs to cluster");
  run(hello_of(worker), false, refusal::plane, errc::invalid_argument, "control plane");
  if (!encrypted)
    return;
  said = hello_of(worker);
  said.who.role = node_role::master;
  run(said, true, refusal::identity, errc::permission_denied, "its certificate names worker w1");
}

TEST_CASE_METHOD(ends, "certificates that do not count are refused and both ends know why",
                 "[io][handshake]") {
  const auto run = [&](const io::credentials& shown, const std::string& to_server,
                       const std::string& to_client) {
    const auto tls = must(io::tls_context::make(shown));
    handshake_pair pair({.own = hello_of(master), .tls = &master_tls},
                        {.own = hello_of(shown), .tls = &tls});
    REQUIRE(pair.run() == both_failed);
    if (pair.server_fault) {
      CHECK(pair.server_fault->why == refusal::certificate);
      CHECK_THAT(pair.server_fault->what.message, Catch::Contains(to_server));
    }
    CHECK(pair.client->fault().why == refusal::certificate);
    CHECK(pair.client->fault().what.code == errc::permission_denied);
    CHECK_THAT(pair.client->fault().what.message, Catch::Contains(to_client));
  };
  using std::chrono::hours;
  const auto now = keys.now();
  run(keys.issue(node_role::worker, "old", {now - hours(48), now - hours(24)}),
      "the certificate of worker old expired on " + io::utc_text(now - hours(24)),
      "it says that this node's certificate has expired");
  run(keys.issue(node_role::worker, "new", {now + hours(24), now + hours(48)}),
      "counts from " + io::utc_text(now + hours(24)), "certificate");

  // The server is of another cluster for this client, so the client is the one who refuses.
  const test::cluster_keys strangers({{.high = 5, .low = 5}});
  run(strangers.issue(node_role::worker, "spy"), "another cluster",
      "the certificate of master head is of another cluster");
}

TEST_CASE_METHOD(ends, "a worker's certificate signs no others", "[io][handshake]") {
  auto forged = worker;
  forged.self.role = node_role::master;
  forged.own = must(io::issue_certificate(worker.own, {.who = forged.self}, keys.life()));
  CHECK_FALSE(io::tls_context::make(forged));
}

TEST_CASE_METHOD(ends,
                 "a foreign certificate with the cluster's own names is refused by the server",
                 "[io][handshake]") {
  // Same cluster id and names, another key; the client believes in our authority.
  const test::cluster_keys forgers(keys.id());
  auto forged = forgers.issue(node_role::worker, "w1");
  const auto context = must(io::tls_context::make(forged));
  auto [near, far] = test::socket_pair();
  const io::handshake_settings settings{.own = hello_of(master), .tls = &master_tls};
  const auto server =
      must(io::handshake::start(std::move(near), io::tls_side::accepts, settings, "the client"));
  auto session = must(context.session(far.get(), io::tls_side::connects, nullptr));
  SSL_set_verify(session.get(), SSL_VERIFY_NONE, nullptr);
  io::transport client(std::move(far), std::move(session));
  auto step = handshake_step::wants_read;
  for (int i = 0; i < 100 && step != handshake_step::failed && step != handshake_step::done; ++i) {
    static_cast<void>(client.shake_hands());
    step = server->advance();
  }
  REQUIRE(step == handshake_step::failed);
  CHECK(server->fault().why == refusal::certificate);
  CHECK_THAT(server->fault().what.message, Catch::Contains("another cluster"));
}

TEST_CASE_METHOD(ends, "a peer without a certificate is refused", "[io][handshake]") {
  const io::ssl_ctx_ptr bare(SSL_CTX_new(TLS_client_method()));
  auto [near, far] = test::socket_pair();
  const io::handshake_settings settings{.own = hello_of(master), .tls = &master_tls};
  const auto server =
      must(io::handshake::start(std::move(near), io::tls_side::accepts, settings, "the client"));
  io::ssl_ptr session(SSL_new(bare.get()));
  SSL_set_fd(session.get(), far.get());
  SSL_set_connect_state(session.get());
  io::transport client(std::move(far), std::move(session));
  auto step = handshake_step::wants_read;
  for (int i = 0; i < 100 && step != handshake_step::failed; ++i) {
    static_cast<void>(client.shake_hands());
    step = server->advance();
  }
  REQUIRE(step == handshake_step::failed);
  CHECK(server->fault().why == refusal::certificate);
  CHECK_THAT(server->fault().what.message, Catch::Contains("showed no certificate"));
}

TEST_CASE_METHOD(ends, "a handshake that stops anywhere waits, and one that is cut fails",
                 "[io][handshake]") {
  const auto frame = io::encode_hello(hello_of(worker), io::hello_kind::introduces);
  const io::handshake_settings settings{.own = hello_of(master)};
  for (std::size_t length = 0; length < frame.size(); ++length) {
    auto [near, far] = test::socket_pair();
    const auto sut =
        must(io::handshake::start(std::move(near), io::tls_side::accepts, settings, "the client"));
    test::push(far.get(), frame.substr(0, length));
    REQUIRE(sut->advance() == handshake_step::wants_read);
    CHECK_FALSE(sut->stage_text().empty());
    far.reset();
    REQUIRE(sut->advance() == handshake_step::failed);
    CHECK(sut->fault().why == refusal::hung_up);
  }
}
