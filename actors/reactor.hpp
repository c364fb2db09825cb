#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>

namespace maze::actors {

/// The one thread of a node that watches descriptors and children. Declare it before the actor
/// system: completions may still arrive while actors shut down.
class reactor {
public:
  reactor() : work_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  reactor(const reactor&) = delete;
  reactor& operator=(const reactor&) = delete;
  ~reactor() {
    context_.stop();
    thread_.join();
  }

  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

} // namespace maze::actors
