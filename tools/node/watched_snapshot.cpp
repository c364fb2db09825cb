#include "node/watched_snapshot.hpp"

#include "node/follow.hpp"
#include "node/progress.hpp"

#include <fmt/format.h>

#include <csignal>
#include <future>
#include <iostream>
#include <stop_token>

namespace maze::node {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds sight_interval{100};
/// Nobody needs to be told of a snapshot that takes less.
constexpr std::chrono::seconds silence{1};
constexpr std::chrono::seconds line_interval{10};

/// Writes how far the snapshot is to standard error.
class snapshot_view {
public:
  explicit snapshot_view(const settings& values)
      : live_(shows_live(values)),
        plain_(shows_plain(values)),
        due_(steady_clock::now() + silence) {}

  void update(const io::snapshot_progress& now) {
    const auto at = steady_clock::now();
    if (at < due_ || (!live_ && !plain_))
      return;
    due_ = at
           + (live_ ? std::chrono::milliseconds(sight_interval)
                    : std::chrono::milliseconds(line_interval));
    const std::string text = snapshot_text(now.files, now.bytes);
    if (live_)
      std::cerr << view_.redraw({&text, 1}) << std::flush;
    else
      std::cerr << text << '\n';
  }
  void clear() {
    if (live_)
      std::cerr << view_.clear() << std::flush;
  }

private:
  bool live_;
  bool plain_;
  steady_clock::time_point due_;
  live_view view_;
};

} // namespace

watched_submission
watch_snapshot(event_queue& events, const settings& values,
               const std::function<core::result<std::shared_ptr<actors::submission>>(
                   const io::snapshot_options&)>& work,
               const std::function<void(int signal)>& abandon) {
  std::stop_source stop;
  io::snapshot_progress progress;
  auto taken = std::async(std::launch::async, [&] {
    struct announcer {
      event_queue& to;
      ~announcer() { to.push(work_done{}); }
    } const at_the_end{events};
    return work({.stop = stop.get_token(), .progress = &progress});
  });
  watched_submission out;
  snapshot_view view(values);
  for (bool done = false; !done;) {
    const auto event = events.wait(sight_interval);
    done = event && std::holds_alternative<work_done>(*event);
    if (const auto* told = event ? std::get_if<interruption>(&*event) : nullptr) {
      view.clear();
      if (out.interrupted_by != 0)
        abandon(told->signal);
      out.interrupted_by = told->signal;
      stop.request_stop();
    }
    if (!done && out.interrupted_by == 0)
      view.update(progress);
  }
  view.clear();
  out.work = taken.get();
  if (out.interrupted_by != 0)
    out.work =
        core::fail(core::errc::cancelled,
                   fmt::format("{} while the snapshot of the files was taken",
                               out.interrupted_by == SIGINT
                                   ? "stopped with Ctrl-C"
                                   : fmt::format("stopped by signal {}", out.interrupted_by)),
                   "user");
  return out;
}

} // namespace maze::node
