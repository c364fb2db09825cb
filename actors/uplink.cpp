#include "maze/actors/uplink.hpp"

#include "maze/actors/errors.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <set>

namespace maze::actors {

uplink_actor::behavior_type uplink_state::make_behavior(uplink_setup setup) {
  setup_ = std::move(setup);
  self_->set_down_handler([this](const caf::down_msg& down) {
    if (!gate_ || gate_.address() != down.source)
      return;
    gate_ = nullptr;
    settling_ = true;
    // No strong reference: what is posted may outlive the system's actors.
    when_settled(self_->system(), [own = caf::weak_actor_ptr(self_->ctrl())] {
      if (const auto alive = own.lock())
        caf::anon_send(caf::actor_cast<uplink_actor>(alive), connection_settled{});
    });
    lose(connection_, {.code = core::errc::transfer_error, .message = "the connection was closed"});
  });
  self_->set_exit_handler([this](const caf::exit_msg& msg) {
    switch_.cut();
    self_->quit(msg.reason);
  });
  return {
      [this](core::link_frame& frame) {
        if (link_)
          perform(link_->received(std::move(frame), now()));
      },
      [this](const attempt_entered& msg) {
        if (const auto found = runs_.find(msg.attempt); found != runs_.end())
          tell(core::order_entered{found->second, msg.attempt, msg.at});
      },
      [this](publish_attempt& msg) { publish(msg); },
      [this](attempt_lost& msg) {
        if (const auto found = runs_.extract(msg.attempt); !found.empty())
          tell(core::order_lost{found.mapped(), msg.attempt, std::move(msg.reason),
                                std::move(msg.cut), msg.phases, msg.isolation});
      },
      [this](const lane_ready& msg) {
        if (master_)
          self_->send(master_, msg);
      },
      [this](attempts_ended& msg) {
        // Of a lane nothing follows; a task may end before it publishes.
        for (const core::attempt_id attempt : msg.attempts)
          if (lanes_.erase(attempt) > 0)
            runs_.erase(attempt);
        tell(core::orders_ended{std::move(msg.attempts), {}});
      },
      [this](const attempt_refused& msg) {
        runs_.erase(msg.order.attempt);
        tell(core::orders_refused{{msg.order.attempt}, msg.free, msg.draining});
      },
      [this](const find_run& msg) { return find(msg.run); },
      [this](const serve_agent& msg) {
        agent_ = msg.agent;
        dial();
      },
      [this](const dialled& msg) { connect(msg); },
      [this](connection_settled) {
        settling_ = false;
        if (std::exchange(dial_due_, false))
          dial();
      },
      [this](dial_again) {
        retry_due_ = false;
        dial();
      },
      [this](link_tick) {
        wake_at_ = core::instant::max();
        if (link_)
          perform(link_->time_passed(now()));
      },
      [this](flush_link) {
        flush_due_ = false;
        if (link_)
          perform(link_->flush(now()));
      },
      [this](ask_uplink) { return status_; },
      [this](read_log& msg) { return self_->delegate(agent_, std::move(msg)); },
      [this](ask_load msg) { return self_->delegate(agent_, msg); },
      [this](end_node) {
        if (setup_.on_end)
          setup_.on_end();
        return true;
      },
      [this](leave_cluster) { return leave(); },
  };
}

void uplink_state::dial() {
  if (connection_ != 0 || abandoning_ || retry_due_ || leaving_)
    return;
  if (gate_ || settling_) {
    dial_due_ = true;
    return;
  }
  connection_ = ++last_connection_;
  const auto answer = uplink_actor{self_};
  self_->spawn<caf::detached>([answer, dial = setup_.dial,
                               number = connection_](caf::event_based_actor* dialler) {
    dialler->send(answer,
                  dialled{number, std::make_shared<core::result<authenticated_socket>>(dial())});
  });
}

void uplink_state::connect(const dialled& msg) {
  const std::uint64_t number = msg.connection;
  if (number != connection_)
    return;
  if (!*msg.socket)
    return lose(number, msg.socket->error());
  ticket_ = (*msg.socket)->ticket;
  auto made = prepare_outbound(self_->system(), std::move(**msg.socket));
  switch_ = std::move(made.link);
  self_
      ->request(basp(self_->system()), setup_.join_timeout, caf::connect_atom::value,
                std::move(made.stream), exported_port)
      .then([this, number](const caf::node_id&, const caf::strong_actor_ptr& found,
                           const std::set<std::string>&) { join(number, found); },
            [this, number](const caf::error& failed) { lose(number, from_caf(failed)); });
}

void uplink_state::join(std::uint64_t connection, const caf::strong_actor_ptr& found) {
  if (connection != connection_)
    return;
  if (!found)
    return lose(connection,
                {.code = core::errc::transfer_error, .message = "the master takes no nodes"});
  gate_ = caf::actor_cast<node_gate_actor>(found);
  self_->monitor(gate_);
  self_->request(gate_, setup_.join_timeout, join_node{setup_.who, setup_.blobs, self_, ticket_})
      .then(
          [this, connection](const node_admitted& as) {
            if (connection == connection_)
              admitted(as);
          },
          [this, connection](const caf::error& failed) { refused(connection, from_caf(failed)); });
}

void uplink_state::admitted(const node_admitted& as) {
  failures_ = 0;
  status_ = {.connected = true, .node = as.node};
  master_ = as.link;
  if (!link_) {
    // Never the first of the two ends to give up; a longer patience of its own is as well.
    setup_.link.lease = setup_.link.reconnect = std::max(setup_.link.lease, as.lease);
    setup_.link.heartbeat = std::min<core::duration>(std::chrono::seconds(1), as.lease / 5);
    link_.emplace(as.session, setup_.link, now());
  }
  setup_.log->event(io::log_level::info, "connected to the master", {{"node", setup_.who.name}});
  perform(link_->connected(now()));
}

void uplink_state::refused(std::uint64_t connection, const core::error& reason) {
  if (connection != connection_)
    return;
  if (reason.code == core::errc::stale) {
    // The master gave this incarnation up while nobody could tell us.
    if (link_)
      return perform(link_->expel(reason, now()));
    setup_.who.incarnation = setup_.next_incarnation(setup_.who.incarnation);
  }
  lose(connection, reason);
}

void uplink_state::lose(std::uint64_t connection, const core::error& reason) {
  if (connection == 0 || connection != connection_)
    return;
  drop_connection();
  if (link_)
    perform(link_->disconnected(now()));
  // The loss may have been the end of the session.
  if (!abandoning_)
    retry(reason);
}

void uplink_state::drop_connection() {
  connection_ = 0;
  master_ = nullptr;
  switch_.cut();
  status_.connected = false;
  // An answer that was on its way is lost with the connection; there is nobody left to leave.
  if (left_.pending())
    left_.deliver(true);
}

void uplink_state::retry(const core::error& reason) {
  status_.last_failure = reason;
  if (leaving_)
    return;
  if (failures_ == 0)
    setup_.log->event(io::log_level::warning, "no connection to the master; trying again",
                      {{"reason", core::describe(reason)}});
  if (std::exchange(retry_due_, true))
    return;
  self_->delayed_send(self_, core::retry_delay(setup_.backoff, failures_++, setup_.who.incarnation),
                      dial_again{});
}

void uplink_state::end(const core::session_over& over) {
  setup_.log->event(leaving_ ? io::log_level::info : io::log_level::warning,
                    "the session with the master is over",
                    {{"reason", core::describe(over.reason)}});
  link_.reset();
  runs_.clear();
  lanes_.clear();
  setup_.who.incarnation = setup_.next_incarnation(setup_.who.incarnation);
  drop_connection();
  // Nothing of the old session may run when the new one begins.
  abandoning_ = true;
  const auto go_on = [this, over] {
    abandoning_ = false;
    retry(over.reason);
  };
  self_->request(agent_, setup_.abandon_timeout, abandon_attempts{})
      .then([go_on](bool) { go_on(); }, [go_on](const caf::error&) { go_on(); });
}

caf::result<bool> uplink_state::leave() {
  leaving_ = true;
  if (!master_ || !link_)
    return true;
  perform(link_->flush(now()));
  left_ = self_->make_response_promise<bool>();
  const auto left = [this] {
    if (left_.pending())
      left_.deliver(true);
  };
  self_->request(master_, setup_.leave_timeout, node_leaves{})
      .then([left](bool) { left(); }, [left](const caf::error&) { left(); });
  return left_;
}

uplink_actor::behavior_type uplink(uplink_actor::stateful_pointer<uplink_state> self,
                                   uplink_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
