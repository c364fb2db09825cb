#pragma once

#include "maze/actors/local_node.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "node/event_queue.hpp"
#include "node/options.hpp"
#include "node/progress.hpp"

#include <chrono>
#include <string>

namespace maze::node {

/// How a run ended as its follower saw it.
struct followed_run {
  actors::run_report report;
  /// The signal that asked for the end; 0 where none did.
  int interrupted_by = 0;
};

/// Shows the progress of one run until it ends: redrawn in place on a terminal, plain lines elsewhere,
/// nothing when quiet. The first signal cancels the run, a second one ends the program at once.
class run_follower {
public:
  run_follower(actors::local_node& node, event_queue& events, const options& what);

  /// Blocks until the run has ended.
  followed_run follow(const actors::run_handle& handle, const std::string& name, std::size_t total);

private:
  /// Adds to `news`; whether the run ended.
  static bool take(const actors::run_event& told, std::vector<ended_task>& news);
  [[nodiscard]] actors::run_status ask() const;
  void show(const actors::run_status& now, const std::vector<ended_task>& news);
  void interrupt(int signal);
  void cancel(std::string why);
  void clear();

  actors::local_node& node_;
  event_queue& events_;
  const options& what_;
  bool live_ = false;
  bool plain_ = false;
  screen screen_;
  live_view view_;
  plain_progress lines_;
  time_left left_;
  actors::run_handle handle_;
  run_status shown_;
  std::chrono::steady_clock::time_point began_;
  int interrupted_by_ = 0;
};

/// The terminal behind standard error; where there is none, lines as long as they come.
screen measure(const settings& values);

/// Whether progress is redrawn in place, and whether it is told in lines; at most one of the two.
bool shows_live(const settings& values);
bool shows_plain(const settings& values);

/// Whether colours belong on the stream `fd`, by `--color` and whether it is a terminal.
bool wants_color(const settings& values, int fd);

} // namespace maze::node
