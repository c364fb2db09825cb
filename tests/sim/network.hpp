#pragma once

#include "maze/core/graph_run.hpp"
#include "sim/dice.hpp"

#include <functional>
#include <map>
#include <queue>

namespace maze::sim {

/// A clock and a network that keeps the order between one sender and one receiver and nothing else:
/// messages are late, doubled and overtaken by those of others.
class network {
public:
  using event = std::function<void()>;

  network(dice& fate, std::uint32_t doubled_percent) : fate_(fate), doubled_(doubled_percent) {}

  [[nodiscard]] core::instant now() const noexcept { return now_; }

  void at(core::instant when, event what) {
    agenda_.push({std::max(when, now_), ++count_, std::move(what)});
  }
  void after(core::duration wait, event what) { at(now_ + wait, std::move(what)); }
  /// In order on its channel; now and then twice.
  void send(std::uint64_t from, std::uint64_t to, const event& what) {
    auto& last = channels_[{from, to}];
    last = std::max(last, now_ + delay());
    at(last, what);
    if (fate_.percent(doubled_))
      at(last, what);
  }
  /// Comes again much later, after anything else.
  void echo(const event& what) {
    if (fate_.percent(doubled_))
      after(std::chrono::milliseconds(fate_.below(5000)), what);
  }
  /// Lets the next thing happen; false when nothing is left.
  bool step() {
    if (agenda_.empty())
      return false;
    auto next = agenda_.top();
    agenda_.pop();
    now_ = next.when;
    next.what();
    return true;
  }

private:
  struct entry {
    core::instant when;
    std::uint64_t number;
    event what;

    friend bool operator<(const entry& a, const entry& b) {
      return std::tie(b.when, b.number) < std::tie(a.when, a.number);
    }
  };

  core::duration delay() {
    return std::chrono::milliseconds(fate_.percent(5) ? fate_.below(1500) : fate_.below(20));
  }

  dice& fate_;
  std::uint32_t doubled_;
  core::instant now_{};
  std::uint64_t count_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, core::instant> channels_;
  std::priority_queue<entry> agenda_;
};

} // namespace maze::sim
