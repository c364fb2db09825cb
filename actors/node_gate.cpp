#include "maze/actors/node_gate.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/permission_list.hpp"
#include "maze/core/printable.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <memory>

namespace maze::actors {

local_gate_actor::behavior_type node_gate_state::make_behavior(node_gate_setup setup) {
  setup_ = std::move(setup);
  self_->set_exit_handler([this](const caf::exit_msg& msg) {
    for (const auto& [node, known] : nodes_)
      self_->send_exit(known.link, msg.reason);
    self_->quit(msg.reason);
  });
  self_->set_down_handler([this](const caf::down_msg& down) {
    for (auto& [node, known] : nodes_)
      if (known.uplink && known.uplink.address() == down.source)
        known.uplink = nullptr;
  });
  return {
      [this](join_node& msg) { return join(std::move(msg)); },
      [this](end_node) { return end_all(); },
  };
}

caf::result<node_admitted> node_gate_state::join(join_node msg) {
  const auto held = find_as(io::node_role::worker, *setup_.admissions, msg.ticket);
  if (!held)
    return to_caf(not_admitted(io::node_role::worker));
  if (const std::string& own = held->whose().who.name; own != msg.who.name)
    return to_caf(
        {.code = core::errc::permission_denied,
         .message = fmt::format("{} cannot join as '{}'", io::to_string(held->whose().who),
                                core::printable(msg.who.name)),
         .origin = "join"});
  // No more than what its join file permits is ever placed there.
  msg.who.offers.permissions = core::both(msg.who.offers.permissions, held->whose().permitted);
  for (const auto& [node, known] : nodes_)
    if (known.name == msg.who.name && known.uplink && known.uplink != msg.uplink)
      return to_caf({.code = core::errc::already_exists,
                     .message = fmt::format("a node named '{}' is connected already: choose "
                                            "another name for this one, or stop that one",
                                            msg.who.name),
                     .origin = "join"});
  const node_link_actor fresh = setup_.spawn_link(msg.who);
  auto reply = self_->make_response_promise<node_admitted>();
  self_->request(setup_.master, setup_.join_timeout, join_cluster{msg.who, fresh})
      .then([this, msg, fresh,
             reply](const node_admission& as) mutable { reply.deliver(admit(msg, as, fresh)); },
            [this, fresh, reply](caf::error& failed) mutable {
              self_->send_exit(fresh, caf::exit_reason::user_shutdown);
              reply.deliver(std::move(failed));
            });
  return reply;
}

node_admitted node_gate_state::admit(const join_node& msg, const node_admission& as,
                                     const node_link_actor& fresh) {
  known_node& known = nodes_[as.node];
  if (as.resumed && known.session == as.session) {
    self_->send_exit(fresh, caf::exit_reason::user_shutdown);
  } else {
    if (known.link)
      self_->send_exit(known.link, caf::exit_reason::user_shutdown);
    known = {as.session, fresh, {}, msg.who.name, {}};
    self_->send(fresh, open_link{as.node, as.session});
  }
  known.uplink = msg.uplink;
  self_->monitor(msg.uplink);
  self_->send(known.link, attach_uplink{msg.uplink});
  if (known.blobs != msg.blobs) {
    known.blobs = msg.blobs;
    introduce(as.node);
  }
  return {as.node, as.session, known.link, setup_.lease};
}

caf::result<bool> node_gate_state::end_all() {
  if (nodes_.empty())
    return true;
  auto reply = self_->make_response_promise<bool>();
  const auto left = std::make_shared<std::size_t>(nodes_.size());
  auto one_less = [reply, left]() mutable {
    if (--*left == 0)
      reply.deliver(true);
  };
  for (const auto& [node, known] : nodes_)
    self_->request(known.link, setup_.end_timeout, end_node{})
        .then([one_less](bool) mutable { one_less(); },
              [one_less](const caf::error&) mutable { one_less(); });
  return reply;
}

void node_gate_state::introduce(core::node_id newcomer) {
  tell_holders others;
  const core::holder fresh{newcomer, nodes_.at(newcomer).blobs};
  for (const auto& [node, known] : nodes_) {
    if (node == newcomer)
      continue;
    others.holders.push_back({node, known.blobs});
    self_->send(known.link, tell_holders{{fresh}});
  }
  if (!others.holders.empty())
    self_->send(nodes_.at(newcomer).link, std::move(others));
}

local_gate_actor::behavior_type node_gate(local_gate_actor::stateful_pointer<node_gate_state> self,
                                          node_gate_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
