#include "maze/actors/call_hub.hpp"

#include <caf/send.hpp>

// The hub's side towards client and journal: what comes in, what goes out once it is durable.
namespace maze::actors {

calls_opened call_hub_state::attach(const attach_client& msg) {
  if (client_)
    self_->demonitor(client_.address());
  client_ = msg.client;
  self_->monitor(client_);
  ++clients_;
  reserve_->client_came();
  read_ahead_ = 0;
  for (const auto& [size, results] : unread_)
    give(results);
  if (over_told_)
    send(client_, over());
  ask_for_lane();
  return {logic_->next(), clients_};
}

void call_hub_state::client_gone() {
  client_ = nullptr;
  reserve_->client_gone(now());
}

void call_hub_state::submit(submit_calls& msg) {
  std::string kept = setup_.journal ? msg.frame : std::string();
  auto taken = logic_->submitted(std::move(msg.frame));
  if (!taken) {
    if (client_)
      send(client_, calls_refused{taken.error()});
    return;
  }
  if (setup_.journal)
    keep(core::calls_submitted{setup_.run, std::move(kept)}, false);
  perform(std::move(taken->step));
  once_durable(calls_taken{logic_->next()});
  tick_later();
}

void call_hub_state::give(const caf::message& results) {
  client_->enqueue(self_->ctrl(), caf::make_message_id(), results, self_->context());
}

void call_hub_state::read(const results_read& msg) {
  if (msg.client != clients_)
    return;
  if (msg.bytes > unread_bytes_ - read_ahead_) {
    if (client_)
      send(client_, calls_refused{{.code = core::errc::invalid_argument,
                                   .message = "a client read more results than it was given",
                                   .origin = "calls"}});
    return;
  }
  read_ahead_ += msg.bytes;
  std::uint64_t used = 0;
  while (!unread_.empty() && read_ahead_ >= unread_.front().first) {
    used += unread_.front().first;
    read_ahead_ -= unread_.front().first;
    unread_.pop_front();
  }
  unread_bytes_ -= used;
  if (auto step = logic_->results_read(used))
    perform(std::move(*step));
}

calls_over call_hub_state::over() const {
  const core::call_counts& counts = logic_->counts();
  return {counts[static_cast<std::size_t>(core::call_state::completed)],
          counts[static_cast<std::size_t>(core::call_state::failed)]};
}

void call_hub_state::keep(core::journal_event fact, bool awaited) {
  facts_.push_back(std::move(fact));
  if (awaited || facts_.size() > 1)
    return send_facts();
  if (!std::exchange(facts_due_, true))
    caf::delayed_anon_send(caf::actor_cast<caf::actor>(self_->ctrl()), setup_.facts_wait,
                           facts_tick{});
}

void call_hub_state::send_facts() {
  if (!facts_.empty())
    send(setup_.journal, append_facts{std::exchange(facts_, {}), ++last_ticket_});
}

void call_hub_state::once_durable(news what) {
  gated_.emplace_back(last_ticket_ + (facts_.empty() ? 0 : 1), std::move(what));
  tell();
}

void call_hub_state::tell() {
  // One message wakes the client once.
  std::optional<calls_taken> taken;
  const auto tell_taken = [&] {
    if (taken && client_)
      send(client_, *taken);
    taken.reset();
  };
  while (!gated_.empty() && gated_.front().first <= durable_ticket_) {
    news what = std::move(gated_.front().second);
    gated_.pop_front();
    if (const auto* more = std::get_if<calls_taken>(&what)) {
      taken = *more;
    } else if (auto* results = std::get_if<call_results>(&what)) {
      const std::uint64_t size = results->bytes.size();
      results->next = taken ? taken->next : 0;
      taken.reset();
      unread_.emplace_back(size, caf::make_message(std::move(*results)));
      unread_bytes_ += size;
      if (client_)
        give(unread_.back().second);
    } else {
      tell_taken();
      over_told_ = true;
      tell_progress();
      send(setup_.context, std::get<calls_over>(what));
      if (client_)
        send(client_, std::get<calls_over>(what));
    }
  }
  tell_taken();
}

void call_hub_state::tell_progress() {
  if (told_ == logic_->counts())
    return;
  told_ = logic_->counts();
  send(setup_.context, call_progress{told_});
}

} // namespace maze::actors
