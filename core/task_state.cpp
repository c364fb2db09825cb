#include "maze/core/task_state.hpp"

#include <algorithm>
#include <array>

namespace maze::core {

namespace {

constexpr std::array task_states{
    task_state::pending,   task_state::queued, task_state::assigned,  task_state::running,
    task_state::completed, task_state::failed, task_state::cancelled, task_state::timeout,
};
constexpr std::array run_states{
    run_state::accepted,  run_state::running, run_state::cancelling,
    run_state::completed, run_state::failed,  run_state::cancelled,
};
constexpr std::array phases{phase::pull, phase::resolve, phase::execute, phase::push};

constexpr bool contains(const auto& all, auto x) noexcept {
  return std::find(all.begin(), all.end(), x) != all.end();
}

/// No bit for numbers that are no state: they may come from a foreign message.
template <class State>
constexpr std::uint32_t bit(State x) noexcept {
  const auto number = static_cast<std::uint32_t>(x);
  return number < 32 ? 1U << number : 0U;
}

template <class... States>
constexpr std::uint32_t any_of(States... states) noexcept {
  return (bit(states) | ... | 0U);
}

/// The states that may follow `from`, as a set of bits.
constexpr std::uint32_t followers(task_state from) noexcept {
  using enum task_state;
  switch (from) {
  case pending:
    return any_of(queued, failed, cancelled);
  case queued:
    return any_of(assigned, failed, cancelled, timeout);
  case assigned:
    return any_of(queued, running, failed, cancelled, timeout);
  case running:
    return any_of(queued, completed, failed, cancelled, timeout);
  case completed:
  case failed:
  case cancelled:
  case timeout:
    break;
  }
  return 0;
}

/// A cancelled run passes `cancelling`, even one that has not begun: whoever asked sees each step.
constexpr std::uint32_t followers(run_state from) noexcept {
  using enum run_state;
  switch (from) {
  case accepted:
    return any_of(running, cancelling);
  case running:
    return any_of(cancelling, completed, failed);
  case cancelling:
    return any_of(cancelled);
  case completed:
  case failed:
  case cancelled:
    break;
  }
  return 0;
}

std::string_view maze_word(task_state x) noexcept {
  using enum task_state;
  switch (x) {
  case pending:
    return "received";
  case queued:
  case assigned:
    return "waiting";
  case completed:
    return "finished";
  case timeout:
    return "failed";
  default:
    return to_string(x);
  }
}

std::string_view hyperqueue_word(task_state x, errc reason) noexcept {
  using enum task_state;
  switch (x) {
  case pending:
  case queued:
  case assigned:
    return "waiting";
  case completed:
    return "finished";
  case timeout:
    return "failed";
  case cancelled:
    return reason == errc::upstream_failed ? "aborted" : "canceled";
  default:
    return to_string(x);
  }
}

} // namespace

bool is_known(task_state x) noexcept { return contains(task_states, x); }
bool is_known(run_state x) noexcept { return contains(run_states, x); }
bool is_known(phase x) noexcept { return contains(phases, x); }

bool is_terminal(task_state x) noexcept {
  using enum task_state;
  return x == completed || x == failed || x == cancelled || x == timeout;
}

bool is_terminal(run_state x) noexcept {
  using enum run_state;
  return x == completed || x == failed || x == cancelled;
}

bool may_become(task_state from, task_state to) noexcept {
  return (followers(from) & bit(to)) != 0;
}

bool may_become(run_state from, run_state to) noexcept { return (followers(from) & bit(to)) != 0; }

std::span<const task_state> all_task_states() noexcept { return task_states; }
std::span<const run_state> all_run_states() noexcept { return run_states; }
std::span<const phase> all_phases() noexcept { return phases; }

std::string_view to_string(task_state x) noexcept {
  using enum task_state;
  switch (x) {
  case pending:
    return "pending";
  case queued:
    return "queued";
  case assigned:
    return "assigned";
  case running:
    return "running";
  case completed:
    return "completed";
  case failed:
    return "failed";
  case cancelled:
    return "cancelled";
  case timeout:
    return "timeout";
  }
  return "unknown";
}

std::string_view to_string(run_state x) noexcept {
  using enum run_state;
  switch (x) {
  case accepted:
    return "accepted";
  case running:
    return "running";
  case cancelling:
    return "cancelling";
  case completed:
    return "completed";
  case failed:
    return "failed";
  case cancelled:
    return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(phase x) noexcept {
  switch (x) {
  case phase::pull:
    return "pull";
  case phase::resolve:
    return "resolve";
  case phase::execute:
    return "execute";
  case phase::push:
    return "push";
  }
  return "unknown";
}

std::string_view log_tag(phase x) noexcept {
  switch (x) {
  case phase::pull:
    return "Sync";
  case phase::resolve:
    return "Resolve";
  case phase::execute:
    return "Execute";
  case phase::push:
    return "Push";
  }
  return "unknown";
}

std::string_view alias(task_state x, vocabulary words, errc reason) noexcept {
  switch (words) {
  case vocabulary::maze_worker:
    return maze_word(x);
  case vocabulary::retire_cluster:
    return to_string(x);
  case vocabulary::hyperqueue:
    return hyperqueue_word(x, reason);
  }
  return to_string(x);
}

} // namespace maze::core
