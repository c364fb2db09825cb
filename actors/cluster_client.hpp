#pragma once

#include "maze/actors/api/call_stream.hpp"
#include "maze/actors/protocol/session_actor.hpp"
#include "maze/actors/transport.hpp"
#include "maze/core/result.hpp"
#include "maze/core/submission_form.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace maze::actors {

/// A client's session with a cluster, for programs that are no actors: every call waits for its answer,
/// for a bounded time.
///
/// Calls fail with what the cluster says, or with `transfer_error` when the connection broke or no answer
/// came in time.
/// @note Thread-safe, but for its destruction.
class cluster_client {
public:
  struct options {
    /// What it is called in the cluster's log.
    std::string name = "client";
    /// For an answer.
    std::chrono::milliseconds timeout{35'000};
    /// For the acceptance of a submission, which may be large.
    std::chrono::milliseconds submit_timeout{200'000};
  };

  /// Opens a session over a stream that has been authenticated.
  static core::result<std::unique_ptr<cluster_client>> connect(authenticated_socket socket,
                                                               options settings);
  ~cluster_client();

  [[nodiscard]] const session_opened& cluster() const noexcept;

  /// Hands a run in; its blobs must have arrived. Repeating it with the same `client_id` gives the same
  /// run.
  core::result<core::run_id> submit(const core::submission_form& form);
  core::result<cluster_status> status();
  /// The youngest first.
  core::result<run_page> runs(std::uint64_t first, std::uint32_t count);
  /// The run that people mean by `text`: see `core::cluster::select_run`.
  core::result<run_row> find(const std::string& text);
  core::result<task_page> tasks(core::run_id run, std::uint64_t first, std::uint32_t count);
  /// What ended badly since `seen`, once there is any, or how the run stands after `patience`.
  core::result<run_news> news(core::run_id run, std::uint64_t seen, core::duration patience);
  /// Waits for the end of a run, telling `heard` of everything on the way and at least once per
  /// `interval`; `heard` says whether to go on waiting.
  /// @returns whether the run ended.
  core::result<bool> follow(core::run_id run, core::duration interval,
                            const std::function<bool(const run_news&)>& heard);
  /// The whole report of a run, fetched in parts.
  core::result<run_report> report(core::run_id run);
  /// The encoded output dictionary of a task; empty where it has not completed.
  core::result<std::string> output(core::run_id run, const std::string& task);
  core::result<task_log> log(core::run_id run, const ask_log& what);
  /// @returns whether there was something to cancel.
  core::result<bool> cancel(core::run_id run, core::error reason);
  core::result<bool> cancel_task(core::run_id run, const std::string& task, core::error reason);
  /// Forgets runs that have ended; `forget_runs::all` every one.
  core::result<forgotten_runs> forget(forget_runs what);
  /// Takes the calls of a run over, which was submitted with a `core::call_plan`. Must not outlive this session.
  core::result<std::unique_ptr<call_stream>> open_calls(core::run_id run,
                                                        call_stream::options settings = {});
  core::result<node_page> nodes();
  core::result<bool> drain(const std::string& node);
  /// Asks the node behind this session to end; it does so after its answer.
  core::result<bool> shut_down();

private:
  struct data;
  explicit cluster_client(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::actors
