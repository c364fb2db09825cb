#pragma once

#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/actors/protocol/uplink_actor.hpp"
#include "maze/core/cluster_messages.hpp"
#include "maze/core/link.hpp"
#include "maze/core/retry.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace maze::actors {

struct uplink_setup {
  core::node_application who;
  /// After a session is over; must be larger than the one before.
  std::function<std::uint64_t(std::uint64_t)> next_incarnation = [](std::uint64_t last) {
    return last + 1;
  };
  /// Where this node serves blobs to others.
  std::string blobs;
  core::link::options link;
  /// Connects to the master and authenticates both sides; blocks, on a thread of its own.
  std::function<core::result<authenticated_socket>()> dial;
  core::backoff backoff{std::chrono::milliseconds(50), std::chrono::seconds(5)};
  /// How long the master may take to answer.
  std::chrono::milliseconds join_timeout{10'000};
  /// How long the node's own actors may take: to stop everything, to bring a document or send files, and
  /// to come to the end of all that runs.
  std::chrono::milliseconds abandon_timeout{std::chrono::minutes(5)};
  std::chrono::milliseconds files_timeout{std::chrono::hours(1)};
  std::chrono::milliseconds drain_timeout{std::chrono::hours(24 * 30)};
  /// How long it may take to hear that the node goes.
  std::chrono::milliseconds leave_timeout{2000};
  /// The master wants the end of this process: must not block.
  std::function<void()> on_end;
  file_sync_actor files;
  std::shared_ptr<io::log> log;
};

class uplink_state {
public:
  static constexpr const char* name = "uplink";

  explicit uplink_state(uplink_actor::stateful_pointer<uplink_state> self) : self_(self) {}

  uplink_actor::behavior_type make_behavior(uplink_setup setup);

private:
  // The connection: uplink.cpp.
  void dial();
  void connect(const dialled& msg);
  void join(std::uint64_t connection, const caf::strong_actor_ptr& found);
  void admitted(const node_admitted& as);
  void refused(std::uint64_t connection, const core::error& reason);
  /// The connection, or the attempt at one, came to nothing; nothing happens if it is not the present one.
  void lose(std::uint64_t connection, const core::error& reason);
  void drop_connection();
  void retry(const core::error& reason);
  void end(const core::session_over& over);
  caf::result<bool> leave();

  // What is said: uplink_messages.cpp.
  void tell(const core::to_master& message);
  void perform(core::link_step step);
  void wake(std::optional<core::instant> at);
  void take(std::string_view item);
  void handle(core::run_orders& x);
  void handle(core::stop_orders& x);
  void handle(core::open_run& x);
  void handle(core::close_run& x);
  void handle(core::drain_node& x);
  void handle(core::name_holders& x);
  void handle(core::drop_data& x);
  void publish(publish_attempt& msg);
  caf::result<run_bundle_ptr> find(core::run_id run);
  void hide_secrets(const run_bundle& run);
  [[nodiscard]] core::instant now() const;

  uplink_actor::stateful_pointer<uplink_state> self_;
  uplink_setup setup_;
  local_agent_actor agent_;
  std::optional<core::link> link_;
  master_peer master_;
  connection_switch switch_;
  /// Number of the present connection or attempt at one, or 0; what comes of an older one is ignored.
  std::uint64_t connection_ = 0;
  std::uint64_t last_connection_ = 0;
  /// Of the present connection.
  core::session_ticket ticket_;
  /// Whom a connection leads to, from its first word until CAF tells its end: two connections with one
  /// node confuse it.
  node_gate_actor gate_;
  /// Failures to connect since the last success.
  std::uint32_t failures_ = 0;
  uplink_status status_;
  /// The run of each attempt that the master ordered and that was not told as over.
  std::map<core::attempt_id, core::run_id> runs_;
  /// Those among them that are lanes.
  std::set<core::attempt_id> lanes_;
  core::instant wake_at_ = core::instant::max();
  bool flush_due_ = false;
  bool retry_due_ = false;
  /// A new connection waits for the end of the old one.
  bool dial_due_ = false;
  /// CAF is not done yet with the end of the last connection.
  bool settling_ = false;
  bool leaving_ = false;
  /// Told when the master knows that this node leaves, or cannot be told any more.
  caf::typed_response_promise<bool> left_;
  /// What ran in the last session is being stopped.
  bool abandoning_ = false;
};

/// Detached, so that heartbeats have a thread of their own: the worker node's end of its link with the
/// master. Dials, joins, comes back after a loss; when its session is over, stops what runs and joins
/// again under a newer incarnation.
uplink_actor::behavior_type uplink(uplink_actor::stateful_pointer<uplink_state> self,
                                   uplink_setup setup);

} // namespace maze::actors
