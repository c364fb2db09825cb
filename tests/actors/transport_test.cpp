#include "maze/actors/transport.hpp"

#include "support/eventually.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <future>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;

namespace {

struct config : caf::actor_system_config {
  config() {
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("middleman.workers", 0);
  }
};

struct node {
  config settings;
  caf::actor_system system{settings};
};

std::pair<io::unique_fd, io::unique_fd> connected_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {io::unique_fd(ends[0]), io::unique_fd(ends[1])};
}

using tls_context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

/// A server context with a certificate signed by nobody: who a peer is was settled before CAF.
tls_context server_context() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  tls_context out{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  REQUIRE(SSL_CTX_use_certificate(out.get(), certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(out.get(), key.get()) == 1);
  return out;
}

std::pair<actors::authenticated_socket, actors::authenticated_socket> plain_pair() {
  auto [left, right] = connected_pair();
  actors::authenticated_socket server;
  actors::authenticated_socket client;
  server.fd = std::move(left);
  client.fd = std::move(right);
  return {std::move(server), std::move(client)};
}

std::pair<actors::authenticated_socket, actors::authenticated_socket> tls_pair() {
  auto [server, client] = plain_pair();
  const tls_context accepts = server_context();
  const tls_context connects{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  server.tls.reset(SSL_new(accepts.get()));
  client.tls.reset(SSL_new(connects.get()));
  SSL_set_fd(server.tls.get(), server.fd.get());
  SSL_set_fd(client.tls.get(), client.fd.get());
  auto accepted = std::async(std::launch::async, [&] { return SSL_accept(server.tls.get()); });
  REQUIRE(SSL_connect(client.tls.get()) == 1);
  REQUIRE(accepted.get() == 1);
  return {std::move(server), std::move(client)};
}

caf::actor spawn_echo(caf::actor_system& system) {
  return system.spawn(
      []() -> caf::behavior { return {[](const std::string& text) { return text; }}; });
}

struct connection {
  caf::actor exported;
  actors::connection_switch link;
};

connection connect(caf::actor_system& system, actors::authenticated_socket socket) {
  auto made = actors::prepare_outbound(system, std::move(socket));
  connection out{nullptr, std::move(made.link)};
  caf::scoped_actor self{system};
  self->request(actors::basp(system), 10s, caf::connect_atom::value, std::move(made.stream),
                actors::exported_port)
      .receive(
          [&](const caf::node_id&, caf::strong_actor_ptr& found, const std::set<std::string>&) {
            out.exported = caf::actor_cast<caf::actor>(found);
          },
          [&](const caf::error& failed) { FAIL(system.render(failed)); });
  REQUIRE(out.exported);
  return out;
}

std::string ask(caf::actor_system& system, const caf::actor& whom, const std::string& text) {
  std::string out;
  caf::scoped_actor self{system};
  self->request(whom, 10s, text)
      .receive([&](std::string& answer) { out = std::move(answer); },
               [&](const caf::error& failed) { FAIL(system.render(failed)); });
  return out;
}

/// Blocks until `whom` is known to be gone, and a new connection may be made.
void await_down(caf::actor_system& system, const caf::actor& whom) {
  caf::scoped_actor self{system};
  self->monitor(whom);
  bool down = false;
  self->receive([&](const caf::down_msg&) { down = true; }, caf::after(10s) >> [] {});
  REQUIRE(down);
  std::promise<void> settled;
  actors::when_settled(system, [&] { settled.set_value(); });
  settled.get_future().wait();
}

using make_pair = std::pair<actors::authenticated_socket, actors::authenticated_socket> (*)();

} // namespace

TEST_CASE("two nodes talk over a stream that was authenticated before CAF saw it",
          "[actors][transport]") {
  const auto make = GENERATE(make_pair{plain_pair}, make_pair{tls_pair});
  node master;
  node worker;
  const caf::actor echo = spawn_echo(master.system);
  auto [server, client] = make();
  actors::inbound_door door{master.system, caf::actor_cast<caf::strong_actor_ptr>(echo),
                            actors::exported_to::workers};
  door.admit(std::move(server), "worker");
  auto link = connect(worker.system, std::move(client));
  CHECK(ask(worker.system, link.exported, "hello") == "hello");
  // Longer than any buffer on the way, so that reads and writes come in parts.
  const std::string large(3'000'001, 'x');
  CHECK(ask(worker.system, link.exported, large) == large);
  link.link.cut();
  await_down(worker.system, link.exported);
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}

TEST_CASE("a client's message to an actor that its connection does not reach finds nobody",
          "[actors][transport]") {
  const auto make = GENERATE(make_pair{plain_pair}, make_pair{tls_pair});
  node master;
  node client;
  const caf::actor other = spawn_echo(master.system);
  // Its answer makes the other one known to CAF by its number.
  const caf::actor gate = master.system.spawn([other]() -> caf::behavior {
    return {[other](bool) { return other; }, [](const std::string& text) { return text; }};
  });
  actors::inbound_door door{master.system, caf::actor_cast<caf::strong_actor_ptr>(gate),
                            actors::exported_to::clients};
  auto [server, own] = make();
  auto held = std::make_shared<actors::admission>(actors::principal{});
  std::weak_ptr<actors::admission> alive = held;
  door.admit(std::move(server), "client", held);
  auto link = connect(client.system, std::move(own));
  const std::string large(1'000'001, 'x');
  CHECK(ask(client.system, link.exported, large) == large);
  caf::scoped_actor self{client.system};
  const auto tries = [&] {
    bool answered = false;
    caf::actor found;
    self->request(link.exported, 10s, true)
        .receive([&](const caf::actor& told) { found = told; },
                 [&](const caf::error& failed) { FAIL(client.system.render(failed)); });
    self->request(found, 10s, "hello")
        .receive([&](const std::string&) { answered = true; }, [](const caf::error&) {});
    return answered;
  };
  CHECK_FALSE(tries());
  held->open(caf::actor_cast<caf::strong_actor_ptr>(other));
  CHECK(tries());
  held.reset();
  CHECK_FALSE(alive.expired());
  link.link.cut();
  await_down(client.system, link.exported);
  CHECK(test::eventually([&] { return alive.expired(); }));
  for (const caf::actor& each : {gate, other})
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
}

TEST_CASE("after a cut the same two nodes find each other again over a new stream",
          "[actors][transport]") {
  const auto make = GENERATE(make_pair{plain_pair}, make_pair{tls_pair});
  node master;
  node worker;
  const caf::actor echo = spawn_echo(master.system);
  actors::inbound_door door{master.system, caf::actor_cast<caf::strong_actor_ptr>(echo),
                            actors::exported_to::workers};
  for (int round = 0; round < 20; ++round) {
    INFO("round " << round << (make == make_pair{tls_pair} ? ", TLS" : ", plain"));
    auto [server, client] = make();
    auto inbound = door.admit(std::move(server), "worker");
    auto link = connect(worker.system, std::move(client));
    CHECK(ask(worker.system, link.exported, "round") == "round");
    // From either end.
    if (round % 2 == 0)
      link.link.cut();
    else
      inbound.cut();
    await_down(worker.system, link.exported);
  }
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}

TEST_CASE("a node that comes back is heard although its old stream still looks alive",
          "[actors][transport]") {
  node master;
  node worker;
  const caf::actor echo = spawn_echo(master.system);
  actors::inbound_door door{master.system, caf::actor_cast<caf::strong_actor_ptr>(echo),
                            actors::exported_to::workers};
  // The master's end of the first stream stays open behind a descriptor that nobody serves, as when
  // a network swallows everything.
  auto [server, client] = plain_pair();
  auto [relay_to_worker, worker_end] = connected_pair();
  std::swap(client.fd, worker_end);
  std::atomic<bool> swallow{false};
  std::atomic<bool> done{false};
  std::thread relay([&, to_master = std::move(worker_end), to_worker = std::move(relay_to_worker)] {
    std::array<char, 4096> buffer{};
    while (!done) {
      std::array<pollfd, 2> ready{pollfd{to_master.get(), POLLIN, 0},
                                  pollfd{to_worker.get(), POLLIN, 0}};
      ::poll(ready.data(), ready.size(), 10);
      for (const auto& [from, to] : {std::pair{to_master.get(), to_worker.get()},
                                     std::pair{to_worker.get(), to_master.get()}}) {
        const auto count = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count > 0 && !swallow)
          ::send(to, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
      }
    }
  });
  door.admit(std::move(server), "worker");
  auto lost = connect(worker.system, std::move(client));
  CHECK(ask(worker.system, lost.exported, "before") == "before");
  swallow = true;
  lost.link.cut();
  await_down(worker.system, lost.exported);
  auto [server2, client2] = plain_pair();
  door.admit(std::move(server2), "worker");
  const auto link = connect(worker.system, std::move(client2));
  CHECK(ask(worker.system, link.exported, "after") == "after");
  done = true;
  relay.join();
  caf::anon_send_exit(echo, caf::exit_reason::user_shutdown);
}
