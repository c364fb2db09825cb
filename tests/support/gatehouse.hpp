#pragma once

#include "maze/io/acceptor.hpp"
#include "maze/io/connector.hpp"
#include "support/cluster_keys.hpp"
#include "support/handshakes.hpp"
#include "support/scratch_dir.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace maze::test {

/// A master that listens on a UNIX socket and on loopback, and remembers whom it let in.
class gatehouse {
public:
  test::cluster_keys keys;
  io::credentials master = keys.issue(io::node_role::master, "head");
  io::credentials worker = keys.issue(io::node_role::worker, "w1");
  io::tls_context master_tls = must(io::tls_context::make(master));
  io::tls_context worker_tls = must(io::tls_context::make(worker));

  /// Unless asked otherwise, with a deadline that a busy machine keeps.
  void open(io::acceptor_settings settings = {.handshake_max = std::chrono::seconds(60)}) {
    settings.endpoints = {io::unix_endpoint{(dir_ / "run" / "s").native()},
                          io::tcp_endpoint{"127.0.0.1", 0}};
    settings.own = hello_of(master);
    acceptor_ =
        must(io::acceptor::open(std::move(settings), &master_tls,
                                {.established = [this](io::connection x) { keep(std::move(x)); },
                                 .refused = [this](std::string_view x) { note(x); }}));
  }
  void close() { acceptor_.reset(); }

  [[nodiscard]] io::endpoint local() const { return acceptor_->endpoints().at(0); }
  [[nodiscard]] io::endpoint remote() const { return acceptor_->endpoints().at(1); }
  [[nodiscard]] io::acceptor_counts counts() const { return acceptor_->counts(); }
  [[nodiscard]] std::uint64_t refused(io::refusal why) const {
    return counts().refused[static_cast<std::size_t>(why)];
  }
  [[nodiscard]] std::uint64_t refused() const {
    const auto all = counts().refused;
    return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
  }

  /// A worker that belongs here.
  core::result<io::connection> connect(const io::endpoint& to) const {
    return io::connect(to, {.own = hello_of(worker),
                            .tls = &worker_tls,
                            .peer_role = io::node_role::master,
                            .timeout = std::chrono::seconds(60)});
  }
  /// Waits for the master's end of the next connection.
  io::connection let_in() {
    std::unique_lock lock(guards_);
    if (!changed_.wait_until(lock, patience(), [this] { return !inside_.empty(); }))
      throw std::runtime_error("nobody was let in");
    auto first = std::move(inside_.front());
    inside_.erase(inside_.begin());
    return first;
  }
  [[nodiscard]] std::vector<std::string> lines() {
    const std::lock_guard lock(guards_);
    return lines_;
  }
  /// Waits for what the acceptor's thread does without telling anyone.
  static bool eventually(const std::function<bool()>& holds) {
    const auto until = patience();
    while (!holds() && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    return holds();
  }

private:
  void keep(io::connection x) {
    const std::lock_guard lock(guards_);
    inside_.push_back(std::move(x));
    changed_.notify_all();
  }
  void note(std::string_view line) {
    const std::lock_guard lock(guards_);
    lines_.emplace_back(line);
  }

  scratch_dir dir_;
  std::mutex guards_;
  std::condition_variable changed_;
  std::vector<io::connection> inside_;
  std::vector<std::string> lines_;
  // Last: its thread calls the above.
  std::unique_ptr<io::acceptor> acceptor_;
};

} // namespace maze::test
