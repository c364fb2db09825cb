#include "node/event_queue.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <map>
#include <pthread.h>
#include <set>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;

namespace {

actors::run_event news_of(std::uint64_t run) { return {.run = core::run_id{run}}; }

std::uint64_t run_of(const std::optional<node::node_event>& event) {
  REQUIRE(event);
  REQUIRE(std::holds_alternative<actors::run_event>(*event));
  return std::get<actors::run_event>(*event).run.value;
}

bool is_blocked(int signal) {
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return sigismember(&now, signal) == 1;
}

/// What the stop signals mean meanwhile, whatever whoever started the tests had them mean.
class ignoring {
public:
  explicit ignoring(const std::set<int>& ignored) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      before_[signal] = std::signal(signal, ignored.count(signal) != 0 ? SIG_IGN : SIG_DFL);
  }
  ignoring(const ignoring&) = delete;
  ignoring& operator=(const ignoring&) = delete;
  ~ignoring() {
    for (const auto& [signal, handler] : before_)
      std::signal(signal, handler);
  }

private:
  std::map<int, void (*)(int)> before_;
};

} // namespace

TEST_CASE("news arrives in the order in which it was told", "[tools][events]") {
  node::event_queue sut;
  CHECK_FALSE(sut.wait(0ms));
  for (std::uint64_t run = 1; run <= 3; ++run)
    sut.push(news_of(run));
  for (std::uint64_t run = 1; run <= 3; ++run)
    CHECK(run_of(sut.wait(0ms)) == run);
  CHECK_FALSE(sut.wait(0ms));
}

TEST_CASE("news from another thread ends the wait", "[tools][events]") {
  node::event_queue sut;
  std::thread other([&] {
    for (std::uint64_t run = 1; run <= 1000; ++run)
      sut.push(news_of(run));
  });
  std::uint64_t last = 0;
  // A wake-up may come without news where the news was taken before it.
  while (last < 1000)
    if (const auto event = sut.wait(60s))
      CHECK(run_of(event) == ++last);
  other.join();
}

TEST_CASE("a signal that asks for the end is an event", "[tools][events]") {
  const ignoring usual({});
  node::event_queue sut;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    REQUIRE(std::raise(signal) == 0);
    const auto event = sut.wait(60s);
    REQUIRE(event);
    REQUIRE(std::holds_alternative<node::interruption>(*event));
    CHECK(std::get<node::interruption>(*event).signal == signal);
  }
  CHECK_FALSE(sut.wait(0ms));
}

TEST_CASE("a signal that the caller ignores stays ignored", "[tools][events]") {
  const ignoring hangups({SIGHUP});
  node::event_queue sut;
  REQUIRE(std::raise(SIGHUP) == 0);
  REQUIRE(std::raise(SIGTERM) == 0);
  const auto event = sut.wait(60s);
  REQUIRE(event);
  CHECK(std::get<node::interruption>(*event).signal == SIGTERM);
  CHECK_FALSE(sut.wait(0ms));
}

TEST_CASE("signals have their old meaning when the queue is gone", "[tools][events]") {
  const ignoring usual({});
  sigset_t hangup;
  sigset_t before;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, &before);
  {
    const node::event_queue sut;
    CHECK(is_blocked(SIGINT));
    CHECK(is_blocked(SIGTERM));
  }
  CHECK_FALSE(is_blocked(SIGINT));
  CHECK_FALSE(is_blocked(SIGTERM));
  CHECK(is_blocked(SIGHUP));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
