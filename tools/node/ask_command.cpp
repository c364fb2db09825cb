#include "maze/core/run_name.hpp"
#include "node/cluster_commands.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace maze::node {

namespace {

/// A node stops its children with grace, then by force.
constexpr std::chrono::seconds end_patience{60};
/// Runs that are listed at most.
constexpr std::size_t runs_max = 10'000;

/// One sentence for people, one object for programs.
void say(const command_session& in, const std::string& sentence, const nlohmann::json& object) {
  if (in.what.values.output == output_form::json)
    std::cout << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  else if (!in.what.values.quiet)
    std::cout << sentence << '\n';
}

core::result<int> print_status(const command_session& in) {
  const auto status = in.cluster.status();
  if (!status)
    return core::fail(status.error());
  std::cout << show(*status, in.cluster.cluster(), in.form());
  return exit_code::done;
}

core::result<int> print_runs(const command_session& in) {
  std::vector<actors::run_row> all;
  for (bool more = true; more && all.size() < runs_max;) {
    auto page = in.cluster.runs(all.size(), 100);
    if (!page)
      return core::fail(page.error());
    more = !page->rows.empty() && all.size() + page->rows.size() < page->total;
    std::move(page->rows.begin(), page->rows.end(), std::back_inserter(all));
  }
  std::cout << show(all, in.form());
  return exit_code::done;
}

core::result<int> print_tasks(const command_session& in) {
  const auto run = in.cluster.find(in.word(0));
  if (!run)
    return core::fail(run.error());
  const auto members = in.cluster.nodes();
  if (!members)
    return core::fail(members.error());
  std::vector<actors::task_row> all;
  for (bool more = true; more;) {
    auto page = in.cluster.tasks(run->run, all.size(), actors::task_page_max);
    if (!page)
      return core::fail(page.error());
    more = !page->rows.empty() && all.size() + page->rows.size() < page->total;
    std::move(page->rows.begin(), page->rows.end(), std::back_inserter(all));
  }
  std::cout << show(all, names_of(*members), in.form());
  return exit_code::done;
}

core::result<int> print_nodes(const command_session& in) {
  const auto members = in.cluster.nodes();
  if (!members)
    return core::fail(members.error());
  std::cout << show(*members, in.form());
  return exit_code::done;
}

core::result<int> cancel(const command_session& in) {
  const auto run = in.cluster.find(in.word(0));
  if (!run)
    return core::fail(run.error());
  const core::error why{.code = core::errc::cancelled,
                        .message = "cancelled with 'maze-node cancel'",
                        .origin = "user"};
  const std::string task = in.word(1);
  const auto done =
      task.empty() ? in.cluster.cancel(run->run, why) : in.cluster.cancel_task(run->run, task, why);
  if (!done)
    return core::fail(done.error());
  const std::string id = core::to_string(run->run);
  const std::string thing =
      task.empty() ? fmt::format("run {}", id) : fmt::format("task '{}' of run {}", task, id);
  say(in, *done ? fmt::format("cancelling {}", thing) : fmt::format("{} has ended already", thing),
      {{"run", id}, {"cancelled", *done}});
  return exit_code::done;
}

core::result<int> drain(const command_session& in) {
  const auto done = in.cluster.drain(in.word(0));
  if (!done)
    return core::fail(done.error());
  say(in, fmt::format("node '{}' takes no new tasks", in.word(0)),
      {{"node", in.word(0)}, {"draining", true}});
  return exit_code::done;
}

/// `3 files (1.20 MiB)`.
std::string amount(std::uint64_t blobs, std::uint64_t bytes) {
  return fmt::format("{} file{} ({})", blobs, blobs == 1 ? "" : "s", size_text(bytes));
}

core::result<int> forget(const command_session& in) {
  actors::forget_runs what{.runs = {}, .all = in.what.flags.all};
  if (what.all != in.word(0).empty())
    return core::fail(core::errc::invalid_argument,
                      what.all ? "--all means every run that has ended: name none beside it"
                               : "a run is missing: 'maze-node runs' lists them, --all means all "
                                 "that have ended",
                      "forget");
  if (!what.all) {
    const auto run = in.cluster.find(in.word(0));
    if (!run)
      return core::fail(run.error());
    what.runs.push_back(run->run);
  }
  const auto done = in.cluster.forget(std::move(what));
  if (!done)
    return core::fail(done.error());
  const actors::reclaimed& freed = done->freed;
  std::string sentence =
      fmt::format("{} forgotten, {} removed",
                  done->runs.size() == 1 ? fmt::format("run {}", core::to_string(done->runs[0]))
                                         : fmt::format("{} runs", done->runs.size()),
                  amount(freed.blobs, freed.bytes));
  if (freed.later_blobs > 0)
    sentence += fmt::format("; {} used a moment ago will follow",
                            amount(freed.later_blobs, freed.later_bytes));
  nlohmann::json ids = nlohmann::json::array();
  for (const core::run_id run : done->runs)
    ids.push_back(core::to_string(run));
  say(in, sentence,
      {{"forgotten", ids},
       {"removed", {{"files", freed.blobs}, {"bytes", freed.bytes}}},
       {"later", {{"files", freed.later_blobs}, {"bytes", freed.later_bytes}}}});
  return exit_code::done;
}

core::result<int> stop(const command_session& in) {
  // Before it is asked, so that its number cannot have passed to somebody else.
  io::unique_fd process;
  if (in.address.local)
    process.reset(static_cast<int>(::syscall(SYS_pidfd_open, in.address.local->record.pid, 0)));
  if (auto asked = in.cluster.shut_down(); !asked)
    return core::fail(asked.error());
  if (process) {
    pollfd end{process.get(), POLLIN, 0};
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(end_patience);
    if (::poll(&end, 1, static_cast<int>(patience.count())) == 0)
      return core::fail(core::errc::transfer_error,
                        fmt::format("process {} takes more than {} s to end",
                                    in.address.local->record.pid, end_patience.count()),
                        "stop");
  }
  say(in, fmt::format("cluster '{}' has ended", in.cluster.cluster().name),
      {{"name", in.cluster.cluster().name}, {"stopped", true}});
  return exit_code::done;
}

core::result<int> dispatch(const command_session& in) {
  switch (in.what.command) {
  case command::status:
    return print_status(in);
  case command::runs:
    return print_runs(in);
  case command::tasks:
    return print_tasks(in);
  case command::nodes:
    return print_nodes(in);
  case command::cancel:
    return cancel(in);
  case command::drain:
    return drain(in);
  case command::stop:
    return stop(in);
  case command::forget:
    return forget(in);
  case command::submit:
    return submit_workflow(in);
  case command::logs:
    return print_logs(in);
  case command::result:
    return print_result(in);
  default:
    return print_files(in);
  }
}

} // namespace

print_form command_session::form() const {
  return {what.values.output, wants_color(what.values, STDOUT_FILENO)};
}

int ask_cluster(const options& what) {
  const auto address = find_address(what.values);
  if (!address)
    return refuse(what.values, address.error(), exit_code::refused);
  auto cluster = open_session(*address);
  if (!cluster)
    return refuse(what.values, cluster.error(), exit_code::refused);
  const auto code = dispatch({what, *address, **cluster});
  if (!code)
    return refuse(what.values, code.error(), exit_code_of(code.error().code));
  return *code;
}

} // namespace maze::node
