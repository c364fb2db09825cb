#include "maze/io/http_server.hpp"

#include "maze/io/http_session.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>
#include <list>
#include <thread>
#include <utility>

namespace maze::io {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// For answers that were made when the server was to end: who reads slower does not get all of them.
constexpr std::chrono::seconds farewell{2};
/// How long the door rests when the system has no descriptor or memory for a connection.
constexpr std::chrono::milliseconds rest{100};

core::error cannot_listen(std::uint16_t port, const error_code& why) {
  using boost::system::errc::address_in_use;
  using boost::system::errc::permission_denied;
  const auto code = why == address_in_use      ? core::errc::already_exists
                    : why == permission_denied ? core::errc::permission_denied
                                               : core::errc::io_error;
  return {.code = code,
          .message = fmt::format("cannot listen on 127.0.0.1:{}: {}", port,
                                 why == address_in_use ? "another program does" : why.message()),
          .origin = "http"};
}

} // namespace

class http_server::service {
public:
  service(http_handlers handlers, const http_limits& limits)
      : answers_(limits.connections_max),
        with_{std::move(handlers), limits, network_, answers_},
        door_(network_),
        nap_(network_) {}

  core::result<void> open(std::uint16_t port) {
    error_code failed;
    const tcp::endpoint at(boost::asio::ip::address_v4::loopback(), port);
    door_.open(at.protocol(), failed);
    if (!failed)
      door_.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed)
      door_.bind(at, failed);
    if (!failed)
      door_.listen(tcp::acceptor::max_listen_connections, failed);
    if (failed)
      return core::fail(cannot_listen(port, failed));
    port_ = door_.local_endpoint().port();
    accept();
    thread_ = std::thread([this] { network_.run(); });
    return {};
  }

  void close() {
    boost::asio::post(network_, [this] {
      with_.ends = true;
      error_code ignored;
      door_.close(ignored);
      nap_.cancel();
      for (const auto& one : sessions_)
        if (one->idle())
          one->close();
    });
    answers_.join();
    // What was answered is on its way, behind this.
    std::promise<void> empty;
    auto is_empty = empty.get_future();
    boost::asio::post(network_, [this, &empty] {
      all_ended_ = [&empty] { empty.set_value(); };
      tell_if_empty();
    });
    is_empty.wait_for(farewell);
    network_.stop();
    thread_.join();
    sessions_.clear();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
  void accept() {
    door_.async_accept([this](error_code failed, tcp::socket socket) {
      if (with_.ends)
        return;
      if (failed) {
        nap_.expires_after(rest);
        nap_.async_wait([this](error_code) {
          if (!with_.ends)
            accept();
        });
        return;
      }
      admit(make_http_session(std::move(socket), with_));
      accept();
    });
  }

  void admit(const std::shared_ptr<http_session>& guest) {
    // The oldest are in front.
    if (sessions_.size() >= with_.limits.connections_max) {
      const auto idle = std::find_if(sessions_.begin(), sessions_.end(),
                                     [](const auto& one) { return one->idle(); });
      if (idle == sessions_.end())
        return guest->refuse([] {});
      const auto leaves = *idle;
      sessions_.erase(idle);
      leaves->close();
    }
    sessions_.push_back(guest);
    guest->start([this, weak = std::weak_ptr(guest)] {
      const auto ended = weak.lock();
      sessions_.remove(ended);
      tell_if_empty();
    });
  }

  void tell_if_empty() {
    if (sessions_.empty() && all_ended_)
      std::exchange(all_ended_, nullptr)();
  }

  boost::asio::io_context network_{1};
  /// Also while answers are made and nothing else goes on.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> goes_on_ =
      boost::asio::make_work_guard(network_);
  boost::asio::thread_pool answers_;
  http_surroundings with_;
  tcp::acceptor door_;
  boost::asio::steady_timer nap_;
  std::list<std::shared_ptr<http_session>> sessions_;
  std::function<void()> all_ended_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

core::result<std::unique_ptr<http_server>>
http_server::open(std::uint16_t port, http_handlers handlers, const http_limits& limits) {
  auto runs = std::make_shared<service>(std::move(handlers), limits);
  if (auto opened = runs->open(port); !opened)
    return core::fail(opened.error());
  return std::unique_ptr<http_server>(new http_server(std::move(runs)));
}

http_server::http_server(std::shared_ptr<service> runs) : service_(std::move(runs)) {}

http_server::~http_server() { service_->close(); }

std::uint16_t http_server::port() const noexcept { return service_->port(); }

} // namespace maze::io
