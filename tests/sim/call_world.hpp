#pragma once

#include "maze/core/call_run.hpp"
#include "sim/dice.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::sim {

/// One run of calls with a client that reads when it likes and lanes that live, die and close as the seed
/// says. `live` lets them work until the run is over and throws `broken_rule` when a rule does not hold.
class call_world {
public:
  /// What happened in a history.
  struct tally {
    std::size_t completed = 0;
    std::size_t failed = 0;
    std::size_t fallen = 0;
    std::size_t cancelled = 0;
    std::size_t stopped = 0;
    std::size_t retried = 0;
    std::size_t lanes_lost = 0;
    std::size_t alone = 0;
    std::size_t stale = 0;
    std::size_t broken = 0;
    std::size_t inlined = 0;
    std::size_t window_full = 0;
  };

  explicit call_world(std::uint64_t seed);
  void live();
  [[nodiscard]] const tally& happened() const noexcept { return tally_; }
  /// Of everything that the run said: the same seed gives the same.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

private:
  enum class fate : std::uint8_t { well, fails, flaky, kills };
  /// A call as its client and its function know it.
  struct call {
    std::vector<core::call_number> wants;
    std::vector<core::call_number> after;
    fate what = fate::well;
    /// Attempts that go wrong before one goes well.
    std::uint32_t bad = 0;
    std::uint32_t began = 0;
    /// Encoded, of what the client wrote and what the others return.
    std::string arguments;
    std::string result;
    std::uint32_t charged = 0;
    /// Losses in a row for an unknown reason.
    std::uint32_t lost = 0;
    std::uint64_t on_lane = 0;
    bool ended = false;
    bool well = false;
    bool read = false;
    /// Its client asked for its end.
    bool unwanted = false;
    core::errc code = core::errc::none;
  };
  struct warm_child {
    std::deque<core::call_number> queue;
    core::call_message_writer done;
    std::deque<std::string> on_the_way;
    /// What the run believes that it holds.
    std::vector<core::call_number> held;
    bool closing = false;
  };

  // --- the client ---
  void submit();
  void submit_nonsense();
  call draw_call(core::call_number own, std::string& given);
  core::value draw_argument(core::call_number own, call& into);
  void read_some(std::uint64_t bytes);
  void cancel_some();

  // --- lanes ---
  void open();
  void work(std::uint64_t lane, std::uint32_t calls);
  void flush(std::uint64_t lane);
  void deliver(std::uint64_t lane);
  void kill(std::uint64_t lane, std::optional<core::call_number> culprit, const core::error& why);
  void lose(std::uint64_t lane);
  void stop(std::uint64_t lane, core::call_number call);
  void close(std::uint64_t lane);
  void repeat(std::uint64_t lane);

  // --- what the run says ---
  void perform(const core::call_step& step);
  void receive(const core::lane_message& message);
  void hear(std::string_view results);
  void judge_end(const call& x, core::call_number number, core::errc code);
  void check() const;

  void step();
  void calm_down();
  std::uint64_t any_lane();
  void stamp(std::string_view bytes);
  [[nodiscard]] bool all_submitted() const { return calls_.size() >= total_; }

  dice dice_;
  core::call_run::options options_;
  core::call_run run_;
  std::size_t total_;
  bool faults_ = true;
  bool closed_ = false;
  bool cancelled_ = false;
  bool over_ = false;
  bool wanted_ = false;
  std::vector<call> calls_;
  std::map<std::uint64_t, warm_child> lanes_;
  std::uint64_t next_lane_ = 1;
  /// Messages of lanes that are gone.
  std::vector<std::pair<std::uint64_t, std::string>> stale_;
  std::deque<std::string> unread_;
  std::uint64_t unread_bytes_ = 0;
  std::uint64_t read_ahead_ = 0;
  tally tally_;
  std::uint64_t fingerprint_ = 0;
};

} // namespace maze::sim
