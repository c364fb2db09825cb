#include "maze/actors/file_sync.hpp"

#include "maze/actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace maze::actors {

file_sync_actor::behavior_type file_sync_state::make_behavior(file_sync_setup setup) {
  setup_ = std::move(setup);
  plan_.emplace(setup_.limits, master_holder);
  holders_[master_holder].endpoint = setup_.master;
  self_->set_exit_handler([this](const caf::exit_msg& msg) {
    for (auto& [fetch, running] : fetches_)
      running.stop.request_stop();
    for (auto& [holder, state] : holders_)
      end_movers(state);
    self_->quit(msg.reason);
  });
  return {
      [this](const ensure_blobs& msg) { return ensure(msg); },
      [this](push_blobs& msg) { return push(msg); },
      [this](const fetch_document& msg) { return self_->delegate(messenger(master_holder), msg); },
      [this](const know_holders& msg) { learn(msg); },
      [this](ask_traffic) { return traffic_; },
      [this](sync_tick) {
        wake_at_.reset();
        perform(plan_->tick(now()));
      },
      [this](const fetch_ended& msg) { end(msg); },
      [this](const holder_answered& msg) {
        perform(plan_->holder_found(msg.holder, msg.blobs, now()));
      },
      [this](const drop_blobs& msg) {
        if (auto gone = setup_.blobs->sweep(msg.blobs); !gone)
          setup_.log->event(io::log_level::warning, "files of forgotten runs cannot be removed",
                            {{"reason", core::describe(gone.error())}});
      },
  };
}

caf::result<bool> file_sync_state::ensure(const ensure_blobs& msg) {
  std::vector<core::sync_plan::wanted_blob> wanted;
  std::vector<core::blob_id> missing;
  std::uint64_t bytes = 0;
  for (const core::blob_id& blob : msg.blobs)
    if (!setup_.blobs->has(blob.hash)) {
      wanted.push_back({blob, {}});
      missing.push_back(blob);
      bytes += blob.size;
    }
  if (wanted.empty())
    return true;
  const core::want_id want{++last_want_};
  auto reply = self_->make_response_promise<bool>();
  waiting_.emplace(want, reply);
  perform(plan_->want(want, wanted, now()));
  if (bytes >= setup_.ask_others_bytes)
    ask_others(missing);
  return reply;
}

caf::result<bool> file_sync_state::push(push_blobs& msg) {
  auto reply = self_->make_response_promise<bool>();
  self_->request(messenger(master_holder), setup_.push_timeout, std::move(msg))
      .then(
          [this, reply](std::uint64_t bytes) mutable {
            traffic_.sent += bytes;
            reply.deliver(true);
          },
          [reply](caf::error& failed) mutable { reply.deliver(std::move(failed)); });
  return reply;
}

void file_sync_state::learn(const know_holders& msg) {
  for (const core::holder& one : msg.holders) {
    if (const auto known = holders_.find(one.node); known != holders_.end()) {
      if (known->second.endpoint == one.endpoint)
        continue;
      end_movers(known->second);
      holders_.erase(known);
      perform(plan_->holder_lost(one.node, now()));
      std::erase_if(fetches_, [&one](const auto& each) { return each.second.holder == one.node; });
    }
    if (!one.endpoint.empty())
      holders_[one.node].endpoint = one.endpoint;
  }
}

void file_sync_state::ask_others(const std::vector<core::blob_id>& missing) {
  std::vector<core::node_id> others;
  for (const auto& [node, state] : holders_)
    if (node != master_holder)
      others.push_back(node);
  std::shuffle(others.begin(), others.end(), dice_);
  others.resize(std::min(others.size(), setup_.others_max));
  for (const core::node_id node : others)
    self_->send(messenger(node), ask_holder{missing});
}

void file_sync_state::perform(const core::sync_plan::actions& todo) {
  for (const core::sync_plan::action& one : todo) {
    if (const auto* begin = std::get_if<core::sync_plan::start_fetch>(&one)) {
      start(*begin);
    } else if (const auto* stop = std::get_if<core::sync_plan::stop_fetch>(&one)) {
      if (const auto running = fetches_.find(stop->fetch); running != fetches_.end())
        running->second.stop.request_stop();
    } else if (const auto* done = std::get_if<core::sync_plan::want_done>(&one)) {
      auto reply = waiting_.extract(done->want);
      if (reply.empty())
        continue;
      if (done->failure)
        reply.mapped().deliver(to_caf(*done->failure));
      else
        reply.mapped().deliver(true);
    }
  }
  wake();
}

void file_sync_state::start(const core::sync_plan::start_fetch& todo) {
  holder_state& holder = holders_[todo.holder];
  const auto idle = std::find(holder.busy.begin(), holder.busy.end(), false);
  const auto at = static_cast<std::size_t>(idle - holder.busy.begin());
  if (idle == holder.busy.end()) {
    holder.movers.push_back(setup_.spawn_mover(todo.holder, holder.endpoint, self_));
    holder.busy.push_back(false);
  }
  holder.busy[at] = true;
  running_fetch running{todo.holder, at, {}};
  self_->send(holder.movers[at], fetch_blobs{todo.fetch, todo.blobs, running.stop.get_token()});
  fetches_.emplace(todo.fetch, std::move(running));
}

void file_sync_state::end(const fetch_ended& msg) {
  traffic_.received += msg.bytes;
  if (msg.holder == master_holder)
    traffic_.received_from_master += msg.bytes;
  const auto running = fetches_.extract(msg.fetch);
  if (!running.empty())
    if (const auto holder = holders_.find(running.mapped().holder); holder != holders_.end())
      if (running.mapped().mover < holder->second.busy.size())
        holder->second.busy[running.mapped().mover] = false;
  perform(plan_->fetch_ended(msg.fetch, msg.outcomes, msg.broken, now()));
}

void file_sync_state::wake() {
  const auto at = plan_->next_wakeup(now());
  if (!at || (wake_at_ && *wake_at_ <= *at))
    return;
  wake_at_ = at;
  self_->delayed_send(self_, std::max(*at - now(), core::sync_plan::time::zero()), sync_tick{});
}

blob_mover_actor& file_sync_state::messenger(core::node_id holder) {
  holder_state& state = holders_[holder];
  if (!state.messenger)
    state.messenger = setup_.spawn_mover(holder, state.endpoint, self_);
  return state.messenger;
}

void file_sync_state::end_movers(holder_state& of) {
  for (blob_mover_actor& mover : of.movers)
    self_->send_exit(mover, caf::exit_reason::user_shutdown);
  if (of.messenger)
    self_->send_exit(of.messenger, caf::exit_reason::user_shutdown);
  of.movers.clear();
  of.busy.clear();
  of.messenger = nullptr;
}

core::sync_plan::time file_sync_state::now() const {
  return self_->clock().now().time_since_epoch();
}

file_sync_actor::behavior_type file_sync(file_sync_actor::stateful_pointer<file_sync_state> self,
                                         file_sync_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
