#pragma once

#include "maze/actors/protocol/reclaimer_actor.hpp"
#include "maze/core/reclaim_plan.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace maze::actors {

struct reclaimer_setup {
  std::shared_ptr<io::blob_store> blobs;
  std::shared_ptr<io::log> log;
  /// The store's `claim_life`.
  core::reclaim_plan::options plan;
  /// How long a DAGContext may take to say what it needs.
  std::chrono::milliseconds patience{30'000};
};

class reclaimer_state {
public:
  static constexpr const char* name = "reclaimer";

  explicit reclaimer_state(reclaimer_actor::stateful_pointer<reclaimer_state> self) : self_(self) {}

  reclaimer_actor::behavior_type make_behavior(reclaimer_setup setup);

private:
  using promise = caf::typed_response_promise<reclaimed>;

  /// Hears from the contexts of forgotten runs what they needed; then begins a round if somebody waits.
  void take(reclaim_runs msg, std::optional<promise> who_waits);
  void suspect_everything();
  void begin_round();
  void ask(std::shared_ptr<const core::digest_set> suspects, const needy& all);
  /// One of those who were asked has answered, or cannot.
  void heard();
  void end_round();
  void tell_nodes(const std::vector<core::digest>& gone);
  void answer(const caf::expected<reclaimed>& what);
  void rest();
  [[nodiscard]] core::instant now() const;

  reclaimer_actor::stateful_pointer<reclaimer_state> self_;
  reclaimer_setup setup_;
  std::optional<core::reclaim_plan> plan_;
  needy_source source_;
  /// Forgotten runs that the nodes have not heard of.
  std::vector<core::run_id> forgotten_;
  /// Wait for the end of a round that has not begun, and of the present one.
  std::vector<promise> waiting_;
  std::vector<promise> in_round_;
  std::vector<node_agent_actor> nodes_;
  bool round_ = false;
  /// Somebody who was asked did not answer.
  bool failed_ = false;
  bool tick_due_ = false;
  std::size_t unheard_ = 0;
};

/// Detached: it removes files. Carries out what `core::reclaim_plan` decides.
reclaimer_actor::behavior_type reclaimer(reclaimer_actor::stateful_pointer<reclaimer_state> self,
                                         reclaimer_setup setup);

} // namespace maze::actors
