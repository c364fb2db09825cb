#pragma once

#include "maze/actors/protocol/call_hub_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/call_run.hpp"
#include "maze/core/lane_reserve.hpp"

#include <caf/fwd.hpp>
#include <caf/message.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace caf::io {
class broker;
}

namespace maze::actors {

/// What the hub needs to know and whom it talks to.
struct call_hub_setup {
  core::run_id run;
  std::shared_ptr<const core::call_plan> plan;
  core::call_run::options settings{};
  /// Token of its first lane; the following lanes count on from there.
  core::attempt_id first_lane;
  scheduler_actor scheduler;
  /// Null where nobody could read one: nothing waits for it then.
  journal_actor journal;
  /// The run that the calls belong to; its end is the hub's.
  dag_context_actor context;
  /// A lane that had nothing to do for so long goes.
  std::chrono::milliseconds idle_max{5000};
  std::chrono::milliseconds tick{200};
  /// How long calls wait for the next fact before they are made durable on their own: what they return would have to wait
  /// for that commit to end, and then for one more.
  std::chrono::milliseconds facts_wait{20};
  /// Lanes in a row whose child did not get ready, before the calls are given up.
  std::uint32_t failures_max = 5;
  /// Its number of lanes is that of the plan.
  core::lane_reserve::limits reserve{};
};

class call_hub_state {
public:
  static constexpr const char* name = "call_hub";

  explicit call_hub_state(caf::scheduled_actor* self) : self_(self) {}

  caf::behavior make_behavior(call_hub_setup setup);

private:
  struct lane {
    core::attempt_id token;
    lane_actor host;
    bool answered = false;
    /// When it was seen without calls first.
    std::optional<core::instant> idle;
  };
  /// The lane that the scheduler was asked for.
  struct request {
    core::attempt_id token;
    core::instant since{};
    /// Where it was placed.
    std::optional<core::node_id> node;
  };
  /// What the outside world hears once the journal has it.
  using news = std::variant<calls_taken, call_results, calls_over>;

  calls_opened attach(const attach_client& msg);
  void submit(submit_calls& msg);
  void open(const lane_ready& msg);
  void take(lane_replies& msg);
  void lose(const lane_over& msg);
  /// The lane that was asked for will not come.
  void lose_request(core::error reason);
  void hosts_gone(const caf::actor_addr& host);
  void perform(core::call_step step);
  /// Asks for a lane where one is wanted and withdraws that where none is.
  void ask_for_lane();
  void withdraw_request();
  [[nodiscard]] core::lane_demand demand() const;
  void client_gone();
  void read(const results_read& msg);
  void give(const caf::message& results);
  /// A fact that nobody waits for goes to the journal with the next one, or soon.
  void keep(core::journal_event fact, bool awaited);
  void send_facts();
  void once_durable(news what);
  [[nodiscard]] calls_over over() const;
  void tell();
  void tell_progress();
  void end_idle_lanes();
  void tick_later();
  template <class Handle, class Message>
  void send(const Handle& to, Message&& message) {
    caf::unsafe_send_as(self_, to, std::forward<Message>(message));
  }
  [[nodiscard]] core::instant now() const;

  caf::scheduled_actor* self_;
  call_hub_setup setup_;
  std::optional<core::call_run> logic_;
  call_client_actor client_;
  /// Clients so far.
  std::uint32_t clients_ = 0;
  std::optional<core::lane_reserve> reserve_;
  std::map<core::lane_id, lane> lanes_;
  std::optional<request> request_;
  std::uint64_t last_lane_ = 0;
  std::uint32_t failures_ = 0;
  std::deque<std::pair<std::uint64_t, news>> gated_;
  /// Facts that the journal has not been sent.
  std::vector<core::journal_event> facts_;
  bool facts_due_ = false;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t durable_ticket_ = 0;
  /// Results that the client was given and has not used, and their sizes: another client gets them again.
  std::deque<std::pair<std::uint64_t, caf::message>> unread_;
  /// Their bytes.
  std::uint64_t unread_bytes_ = 0;
  /// Bytes of the first of them that were used.
  std::uint64_t read_ahead_ = 0;
  core::call_counts told_{};
  bool over_told_ = false;
  bool tick_due_ = false;
};

/// Cooperative, in CAF's I/O thread: what arrives from nodes and clients is decided where it arrives. Drives the
/// `core::call_run` of one run: calls from its client to lanes, results to the journal and back.
caf::behavior call_hub(caf::stateful_actor<call_hub_state, caf::io::broker>* self,
                       call_hub_setup setup);

} // namespace maze::actors
