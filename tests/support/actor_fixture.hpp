#pragma once

#include "maze/actors/errors.hpp"
#include "maze/actors/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace maze::test {

/// What came back for one question, or nothing yet.
template <class Result>
class answer {
public:
  struct content {
    std::optional<Result> value;
    std::optional<core::error> failed;
  };

  explicit answer(std::shared_ptr<const content> arriving) : content_(std::move(arriving)) {}

  [[nodiscard]] bool pending() const { return !content_->value && !content_->failed; }
  [[nodiscard]] const Result& value() const {
    if (content_->failed)
      FAIL("the answer is an error: " << core::describe(*content_->failed));
    REQUIRE(content_->value);
    return *content_->value;
  }
  [[nodiscard]] const core::error& failed() const {
    REQUIRE(content_->failed);
    return *content_->failed;
  }

private:
  std::shared_ptr<const content> content_;
};

/// Real actors without threads: messages are delivered when `run` says so, and the clock moves when
/// `advance` does. At the end every actor spawned here is told to end; whatever they spawned themselves
/// must end with them, or the test hangs until CTest's timeout.
class actor_fixture {
public:
  actor_fixture()
      : coordinator_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())) {}
  actor_fixture(const actor_fixture&) = delete;
  actor_fixture& operator=(const actor_fixture&) = delete;
  ~actor_fixture() {
    for (const caf::actor& root : roots_)
      caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    run();
  }

private:
  struct config : caf::actor_system_config {
    config() {
      actors::add_message_types(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };
  config config_;

public:
  caf::actor_system system{config_};

  /// Spawns a cooperative actor that ends with the fixture.
  template <class Function, class... Args>
  auto spawn(Function function, Args&&... args) {
    auto out = system.spawn(function, std::forward<Args>(args)...);
    roots_.push_back(caf::actor_cast<caf::actor>(out));
    return out;
  }
  /// Delivers messages until none is left.
  void run() { coordinator_.run(); }
  /// Moves the clock, then delivers.
  void advance(std::chrono::nanoseconds time) {
    coordinator_.advance_time(time);
    run();
  }
  template <class Handle, class Message>
  void tell(const Handle& whom, Message message) {
    caf::anon_send(whom, std::move(message));
    run();
  }
  /// Ends `whom` as its own crash would, and lets everybody hear of it.
  template <class Handle>
  void kill(const Handle& whom) {
    caf::anon_send_exit(whom, caf::exit_reason::kill);
    run();
  }
  template <class Result, class Handle, class Message>
  answer<Result> ask_later(const Handle& whom, Message message) {
    auto content = std::make_shared<typename answer<Result>::content>();
    spawn([=](caf::event_based_actor* self) {
      self->request(whom, caf::infinite, message)
          .then([=](const Result& value) { content->value = value; },
                [=](const caf::error& failed) { content->failed = actors::from_caf(failed); });
    });
    run();
    return answer<Result>{content};
  }
  template <class Result, class Handle, class Message>
  Result ask(const Handle& whom, Message message) {
    return ask_later<Result>(whom, std::move(message)).value();
  }
  template <class Result, class Handle, class Message>
  core::error ask_failing(const Handle& whom, Message message) {
    return ask_later<Result>(whom, std::move(message)).failed();
  }

private:
  caf::scheduler::test_coordinator& coordinator_;
  std::vector<caf::actor> roots_;
};

} // namespace maze::test
