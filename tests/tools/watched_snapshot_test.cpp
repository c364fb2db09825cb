#include "node/watched_snapshot.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>

using namespace maze;
using submission_result = core::result<std::shared_ptr<actors::submission>>;

namespace {

node::settings silent() {
  node::settings out;
  out.quiet = true;
  return out;
}

const auto never = [](int) { FAIL("abandoned"); };

/// Blocks until somebody asks to stop.
void wait_for(const std::stop_token& stop) {
  std::mutex guard;
  std::condition_variable_any changed;
  std::unique_lock lock(guard);
  changed.wait(lock, stop, [] { return false; });
}

} // namespace

TEST_CASE("a snapshot that nothing disturbs is handed on", "[tools][snapshot]") {
  node::event_queue events;
  const auto made = std::make_shared<actors::submission>();
  const auto sut = node::watch_snapshot(
      events, silent(), [&](const io::snapshot_options&) { return submission_result(made); },
      never);
  CHECK(sut.interrupted_by == 0);
  REQUIRE(sut.work);
  CHECK(*sut.work == made);
  CHECK_FALSE(events.wait(std::chrono::milliseconds(0)));
}

TEST_CASE("a signal ends the snapshot", "[tools][snapshot]") {
  node::event_queue events;
  const auto sut = node::watch_snapshot(
      events, silent(),
      [&](const io::snapshot_options& how) {
        ::kill(::getpid(), SIGTERM);
        wait_for(how.stop);
        return submission_result(core::fail(core::errc::cancelled, "stopped"));
      },
      never);
  CHECK(sut.interrupted_by == SIGTERM);
  REQUIRE_FALSE(sut.work);
  CHECK(sut.work.error().code == core::errc::cancelled);
  CHECK(sut.work.error().message
        == "stopped by signal 15 while the snapshot of the files was taken");
}

TEST_CASE("what the snapshot throws reaches the caller", "[tools][snapshot]") {
  node::event_queue events;
  CHECK_THROWS_AS(node::watch_snapshot(
                      events, silent(),
                      [](const io::snapshot_options&) -> submission_result {
                        throw std::runtime_error("no room");
                      },
                      never),
                  std::runtime_error);
}
