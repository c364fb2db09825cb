#include "maze/io/http_server.hpp"

#include "support/eventually.hpp"
#include "support/http_talk.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

using namespace maze;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using test::http_talk;

TEST_CASE("a server listens on loopback alone, and a port is taken once") {
  const http_talk talk;
  CHECK_THROWS(test::dial(io::tcp_endpoint{.host = "127.0.0.2", .port = talk.server->port()}));
  const auto second = io::http_server::open(talk.server->port(), {});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == core::errc::already_exists);
  CHECK_THAT(second.error().message, Contains("127.0.0.1:" + std::to_string(talk.server->port())));
}

TEST_CASE("a port can be had again at once when its server has ended") {
  auto talk = std::make_unique<http_talk>();
  const auto port = talk->server->port();
  CHECK_THAT(talk->ask(http_talk::get("/x")), StartsWith("HTTP/1.1 200"));
  talk.reset();
  CHECK(io::http_server::open(port, {.admit = {}, .answer = {}}));
}

TEST_CASE("requests are answered at the same time, so that one that waits holds up no other") {
  http_talk talk;
  std::promise<void> released;
  const auto gate = released.get_future().share();
  talk.answers = [gate](const io::http_request& asked) {
    if (asked.target.path.front() == "slow")
      gate.wait();
    return io::http_reply{.type = "text/plain", .body = asked.target.path.front()};
  };
  auto slow = std::async(std::launch::async, [&] { return talk.ask(http_talk::get("/slow")); });
  CHECK_THAT(talk.ask(http_talk::get("/quick")), EndsWith("quick"));
  released.set_value();
  CHECK_THAT(slow.get(), EndsWith("slow"));
}

TEST_CASE("connections that ask nothing keep nobody out") {
  const http_talk talk({.connections_max = 4});
  std::vector<io::unique_fd> silent;
  for (int i = 0; i < 20; ++i)
    silent.push_back(talk.connect());
  CHECK_THAT(talk.ask(http_talk::get("/in")), EndsWith("GET in "));
  // The oldest gave way.
  CHECK(test::drain(silent.front().get()).empty());
}

TEST_CASE("where every connection is being answered, a newcomer hears that there is no place") {
  http_talk talk({.connections_max = 2});
  std::promise<void> released;
  const auto gate = released.get_future().share();
  std::atomic<int> busy{0};
  talk.answers = [&busy, gate](const io::http_request&) {
    ++busy;
    gate.wait();
    return io::http_reply{.type = "text/plain", .body = "done"};
  };
  std::vector<std::future<std::string>> asked;
  for (int i = 0; i < 2; ++i)
    asked.push_back(
        std::async(std::launch::async, [&] { return talk.ask(http_talk::get("/wait")); }));
  REQUIRE(test::eventually([&] { return busy == 2; }));
  CHECK_THAT(talk.ask(http_talk::get("/late")),
             StartsWith("HTTP/1.1 503") && Contains("too many connections"));
  released.set_value();
  for (auto& one : asked)
    CHECK_THAT(one.get(), EndsWith("done"));
}

TEST_CASE("a server that ends gives the answers that are being made, and ends the connections") {
  auto talk = std::make_unique<http_talk>();
  std::atomic<bool> asked{false};
  std::promise<void> released;
  const auto gate = released.get_future().share();
  talk->answers = [&asked, gate](const io::http_request&) {
    asked = true;
    gate.wait();
    return io::http_reply{.type = "text/plain", .body = "farewell"};
  };
  const auto idle = talk->connect();
  const auto busy = talk->connect();
  test::push(busy.get(), "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(test::eventually([&] { return asked.load(); }));
  std::thread end([&] { talk->server.reset(); });
  CHECK(test::drain(idle.get()).empty());
  released.set_value();
  const auto told = test::drain(busy.get());
  CHECK_THAT(told, Contains("Connection: close") && EndsWith("farewell"));
  end.join();
}
