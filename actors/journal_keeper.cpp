#include "maze/actors/journal_keeper.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <utility>

namespace maze::actors {

journal_actor::behavior_type journal_keeper_state::make_behavior(journal_keeper_setup setup) {
  setup_ = std::move(setup);
  setup_.journal->tend();
  return {
      [this](const append_facts& msg) { append(msg); },
      [this](commit_batch) { commit(); },
  };
}

void journal_keeper_state::append(const append_facts& msg) {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  rows_.clear();
  for (const core::journal_event& fact : msg.facts)
    rows_.push_back({.run = core::run_of(fact),
                     .kind = core::kind_of(fact),
                     .wall_ns = now,
                     .body = core::encode_journal_event(fact)});
  if (auto kept = setup_.journal->append(rows_); !kept)
    return setup_.on_failure(kept.error());
  waiting_[self_->current_sender()] = msg.ticket;
  if (!std::exchange(commit_due_, true))
    self_->send(self_, commit_batch{});
}

void journal_keeper_state::commit() {
  commit_due_ = false;
  if (auto flushed = setup_.blobs->flush(); !flushed)
    return setup_.on_failure(flushed.error());
  if (auto kept = setup_.journal->commit(); !kept)
    return setup_.on_failure(kept.error());
  for (const auto& [sender, ticket] : waiting_)
    if (sender)
      self_->send(caf::actor_cast<listener_actor<facts_durable>>(sender), facts_durable{ticket});
  waiting_.clear();
  setup_.journal->tend();
}

journal_actor::behavior_type
journal_keeper(journal_actor::stateful_pointer<journal_keeper_state> self,
               journal_keeper_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
