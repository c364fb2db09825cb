#include "node/follow.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/run_name.hpp"
#include "node/private_node.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <sys/ioctl.h>
#include <unistd.h>

namespace maze::node {

namespace {

/// Ten pictures a second are smooth; more would cost the tasks.
constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::chrono::seconds answer_timeout{60};
/// Of lines for a pipe: whoever reads them wraps them.
constexpr std::size_t unbounded_width = 4096;

bool is_terminal(int fd) {
  const char* kind = std::getenv("TERM");
  return ::isatty(fd) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

bool decide(when wish, bool automatically) {
  return wish == when::always || (wish == when::automatic && automatically);
}

} // namespace

screen measure(const settings& values) {
  screen out{.width = unbounded_width, .color = wants_color(values, STDERR_FILENO)};
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    out.width = size.ws_col;
    out.height = size.ws_row;
  }
  return out;
}

bool shows_live(const settings& values) {
  return !values.quiet && values.progress != when::never
         && decide(values.progress, is_terminal(STDERR_FILENO));
}

bool shows_plain(const settings& values) {
  return !values.quiet && values.progress != when::never && !shows_live(values);
}

bool wants_color(const settings& values, int fd) { return decide(values.color, is_terminal(fd)); }

run_follower::run_follower(actors::local_node& node, event_queue& events, const options& what)
    : node_(node),
      events_(events),
      what_(what),
      live_(shows_live(what.values)),
      plain_(shows_plain(what.values)) {}

followed_run run_follower::follow(const actors::run_handle& handle, const std::string& name,
                                  std::size_t total) {
  handle_ = handle;
  shown_ = {.name = name, .run = core::to_string(handle.run), .total = total};
  began_ = std::chrono::steady_clock::now();
  std::vector<ended_task> news;
  auto due = began_;
  for (bool ended = false; !ended;) {
    if (auto event = events_.wait(redraw_interval)) {
      if (const auto* stop = std::get_if<interruption>(&*event))
        interrupt(stop->signal);
      else if (auto* end = std::get_if<end_request>(&*event))
        cancel(std::move(end->why));
      else
        ended = take(std::get<actors::run_event>(*event), news);
    }
    if (const auto now = std::chrono::steady_clock::now(); ended || now >= due) {
      show(ask(), std::exchange(news, {}));
      due = now + redraw_interval;
    }
  }
  clear();
  followed_run out{.report = {}, .interrupted_by = interrupted_by_};
  caf::scoped_actor self{node_.system()};
  self->request(handle_.context, answer_timeout, actors::ask_report{})
      .receive([&](actors::run_report& report) { out.report = std::move(report); },
               [](const caf::error& failed) {
                 throw std::runtime_error("the run gives no report: "
                                          + actors::from_caf(failed).message);
               });
  self->send(node_.master(), actors::release_run{handle_.run});
  return out;
}

bool run_follower::take(const actors::run_event& told, std::vector<ended_task>& news) {
  for (const actors::task_outcome& task : told.not_completed)
    news.push_back({task.task, task.state, core::duration::zero(), task.reason, task.attempts});
  return told.ended;
}

actors::run_status run_follower::ask() const {
  actors::run_status out;
  caf::scoped_actor self{node_.system()};
  self->request(handle_.context, answer_timeout, actors::ask_status{})
      .receive([&](actors::run_status& status) { out = std::move(status); },
               [](const caf::error& failed) {
                 throw std::runtime_error("the run does not answer: "
                                          + actors::from_caf(failed).message);
               });
  return out;
}

void run_follower::show(const actors::run_status& now, const std::vector<ended_task>& news) {
  shown_.state = now.state;
  std::copy(now.counts.begin(), now.counts.end(), shown_.counts.begin());
  shown_.elapsed = std::chrono::steady_clock::now() - began_;
  shown_.eta = left_.update(shown_.elapsed, ended(shown_.counts), shown_.total);
  shown_.running.clear();
  for (const actors::running_task& task : now.running)
    shown_.running.push_back({task.name, task.elapsed});
  if (live_) {
    screen_ = measure(what_.values);
    std::cerr << view_.redraw(live_lines(shown_, screen_)) << std::flush;
  } else if (plain_) {
    for (const std::string& line : lines_.update(shown_, news))
      std::cerr << line << '\n';
  }
}

void run_follower::interrupt(int signal) {
  if (interrupted_by_ != 0) {
    clear();
    std::cerr << "maze-node: stopped at once; what ran was killed\n";
    if (!what_.values.keep)
      remove_node_folder(node_.folder());
    std::_Exit(128 + signal);
  }
  interrupted_by_ = signal;
  clear();
  if (!what_.values.quiet)
    std::cerr << "maze-node: cancelling; once more to stop at once\n";
  cancel(signal == SIGINT ? "stopped with Ctrl-C" : fmt::format("stopped by signal {}", signal));
}

void run_follower::cancel(std::string why) {
  caf::scoped_actor self{node_.system()};
  self->send(handle_.context,
             actors::cancel_run{
                 {.code = core::errc::cancelled, .message = std::move(why), .origin = "user"}});
}

void run_follower::clear() {
  if (live_)
    std::cerr << view_.clear() << std::flush;
}

} // namespace maze::node
