#pragma once

#include "maze/core/graph_run.hpp"

#include <map>
#include <set>

namespace maze::sim {

/// Knows from the facts alone, by the plainest means, how a run stands, and what may happen next.
/// It throws `broken_rule` when the twin does anything else.
class run_oracle {
public:
  run_oracle(std::shared_ptr<const core::graph> tasks, core::graph_run::options settings);

  /// An attempt really sent this; of several, any may be the accepted one.
  void publication_sent(core::attempt_id attempt, const std::string& output,
                        const core::manifest_delta& files);
  void user_cancelled() { user_cancelled_ = true; }
  /// Judges one step and the state of the twin after it.
  void observe(const core::run_step& step, const core::graph_run& after,
               std::set<core::attempt_id>& all_tokens);
  /// Judges what an attempt sees as it starts.
  void check_start(core::task_id task, const core::result<core::attempt_view>& view) const;
  void check_end(const core::graph_run& run) const;
  [[nodiscard]] bool ended() const noexcept { return run_announced_; }

private:
  struct progress {
    std::optional<core::task_state> end;
    core::attempt_id current;
    core::attempt_id accepted;
    bool out = false;
    bool in_backoff = false;
    bool announced = false;
    std::uint32_t offers = 0;
    std::uint32_t charged = 0;
    std::uint32_t free = 0;
    std::string output;
    core::manifest_delta files;
    /// The how-manieth completion of the run its own was.
    std::size_t turn = 0;
  };
  struct change {
    std::size_t task;
    std::string path;
    std::optional<core::file_entry> entry;
  };

  void take(const core::task_ended& fact);
  void take_bad_end(const core::task_ended& fact);
  void take(const core::attempt_failed& fact);
  void take(const core::run_state_changed& fact);
  void check(const core::offer_task& deed, std::set<core::attempt_id>& all_tokens);
  void check(const core::acknowledge& deed) const;
  void check_announcement(core::task_id task);
  void check_state(const core::graph_run& after) const;
  [[nodiscard]] bool may_retry(const progress& at, const core::error& reason,
                               std::uint32_t retries) const;
  [[nodiscard]] bool is_ready(std::size_t task) const;
  [[nodiscard]] bool dependencies_completed(std::size_t task) const;
  [[nodiscard]] std::size_t out() const;
  [[nodiscard]] std::string name(std::size_t task) const;

  /// Changes by `publishers` that no later one of them overrides.
  [[nodiscard]] std::vector<change> latest(const std::vector<std::size_t>& publishers) const;
  /// Whether `late` comes after `early` in the sense of the run's policy.
  [[nodiscard]] bool comes_after(std::size_t late, std::size_t early) const;
  [[nodiscard]] bool overrides(const change& late, const change& early) const;
  [[nodiscard]] bool contradict(const change& a, const change& b) const;
  /// Where the policy `rename` shows a change; nothing it could be called is in use.
  [[nodiscard]] std::string seen_at(const change& x, const std::vector<change>& all) const;
  [[nodiscard]] core::manifest_delta renamed(const std::vector<change>& left) const;
  /// What the publishers leave together, or nothing where they conflict.
  [[nodiscard]] std::optional<core::manifest_delta>
  merged(const std::vector<std::size_t>& publishers) const;
  [[nodiscard]] std::vector<std::size_t> publishers_above(std::size_t task) const;
  [[nodiscard]] std::vector<std::size_t> all_publishers() const;

  std::shared_ptr<const core::graph> tasks_;
  core::graph_run::options settings_;
  std::vector<std::vector<bool>> is_ancestor_;
  std::vector<std::size_t> place_;
  std::vector<progress> at_;
  std::map<core::attempt_id, std::pair<std::string, core::manifest_delta>> sent_;
  core::run_state state_ = core::run_state::accepted;
  std::size_t turns_ = 0;
  bool user_cancelled_ = false;
  bool run_announced_ = false;
};

} // namespace maze::sim
