#include "maze/sandbox/trial.hpp"

#include "support/sealed.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <thread>

using namespace maze;
using core::sandbox_level;

namespace {

/// The context of a launcher, in a thread of its own.
struct running_launcher : test::sealed_fixture {
  ~running_launcher() {
    guard.reset();
    context.stop();
    thread.join();
  }

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard =
      boost::asio::make_work_guard(context);
  std::thread thread{[this] { context.run(); }};
};

} // namespace

TEST_CASE_METHOD(running_launcher, "a level is tried with a child that does nothing",
                 "[sandbox][trial]") {
  const auto user = sealed({}).user;
  CHECK(sandbox::try_level(*sut, sandbox_level::none, user));
  CHECK(sandbox::try_level(*sut, sandbox_level::subprocess, user));
  if (sut->can().sealed)
    CHECK(sandbox::try_level(*sut, sandbox_level::seccomp, user));
  const auto none = sandbox::try_level(*sut, sandbox_level::container, user);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == core::errc::unsupported_operation);
}

TEST_CASE_METHOD(running_launcher, "what stands in the way of a level is told",
                 "[sandbox][trial]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto root = sandbox::try_level(*sut, sandbox_level::seccomp, std::nullopt);
  REQUIRE_FALSE(root);
  CHECK(root.error().origin == "launch:user");
}
