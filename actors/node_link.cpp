#include "maze/actors/node_link.hpp"

#include "maze/actors/errors.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

node_link_actor::behavior_type node_link_state::make_behavior(node_link_setup setup) {
  setup_ = std::move(setup);
  self_->set_down_handler([this](const caf::down_msg& down) {
    if (uplink_ && uplink_.address() == down.source) {
      uplink_ = nullptr;
      if (!over_)
        setup_.log->event(io::log_level::warning, "the connection to a node broke",
                          {{"node", setup_.node_name}});
      if (link_)
        perform(link_->disconnected(now()));
    }
  });
  return {
      [this](run_attempts& msg) { run(msg); },
      [this](const stop_attempts& msg) { tell(core::stop_orders{msg.attempts}); },
      [this](const close_run& msg) { close(msg.run); },
      [this](drain_node) { return drain(); },
      [this](ask_load) { return load(); },
      [this](const read_log& msg) { return ask<log_piece>(msg); },
      [this](const core::drop_data& msg) { tell(msg); },
      [this](end_node msg) { return ask<bool>(msg); },
      [this](node_leaves) { return leave(); },
      // Goes beside the frames: it says how to reach the lane over this connection.
      [this](const lane_ready& msg) {
        if (const auto context = context_of(msg.run))
          self_->send(context, msg);
      },
      [this](const open_link& msg) { open(msg); },
      [this](const attach_uplink& msg) { attach(msg); },
      [this](const tell_holders& msg) { tell(core::name_holders{msg.holders}); },
      [this](core::link_frame& frame) {
        if (link_)
          perform(link_->received(std::move(frame), now()));
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
      [this](forget_link) { self_->quit(); },
  };
}

void node_link_state::open(const open_link& msg) {
  node_ = msg.node;
  setup_.log->event(io::log_level::info, "a node joined", {{"node", setup_.node_name}});
  link_.emplace(msg.session, setup_.link, now());
  for (const std::string& item : std::exchange(early_, {}))
    static_cast<void>(link_->send(item));
  perform(uplink_ ? link_->connected(now()) : link_->flush(now()));
}

void node_link_state::attach(const attach_uplink& msg) {
  if (uplink_)
    self_->demonitor(uplink_.address());
  uplink_ = msg.uplink;
  self_->monitor(uplink_);
  if (link_)
    perform(link_->connected(now()));
}

void node_link_state::run(run_attempts& msg) {
  if (over_)
    return;
  core::run_orders out;
  out.orders.reserve(msg.orders.size());
  for (attempt_order& order : msg.orders) {
    if (contexts_.try_emplace(order.run, order.context).second)
      tell(core::open_run{.run = order.run, .document = order.run.value, .size = 0});
    out.orders.push_back(order);
    const core::attempt_id attempt = order.attempt;
    orders_.insert_or_assign(attempt, std::move(order));
  }
  tell(std::move(out));
}

void node_link_state::close(core::run_id run) {
  if (contexts_.erase(run) > 0)
    tell(core::close_run{run});
}

caf::result<bool> node_link_state::drain() {
  auto reply = self_->make_response_promise<bool>();
  if (over_) {
    reply.deliver(true);
  } else {
    drained_.push_back(reply);
    tell(core::drain_node{});
  }
  return reply;
}

void node_link_state::tell(const core::to_node& message) {
  if (over_)
    return;
  std::string item = core::encode_to_node(message);
  if (!link_) {
    early_.push_back(std::move(item));
    return;
  }
  if (auto queued = link_->send(item); !queued)
    setup_.log->event(io::log_level::warning, "a message for a node could not be queued",
                      {{"node", setup_.node_name}, {"reason", core::describe(queued.error())}});
  // Behind what waits in the mailbox, so that all of it travels in one frame.
  if (!std::exchange(flush_due_, true))
    self_->send(self_, flush_link{});
}

void node_link_state::perform(core::link_step step) {
  if (uplink_)
    for (core::link_frame& frame : step.frames)
      self_->send(uplink_, std::move(frame));
  for (const std::string& batch : step.delivered)
    core::for_each_item(batch, [this](std::string_view item) { take(item); });
  for (const std::string& batch : step.late)
    count_late(batch);
  for (const core::link_event& event : step.events)
    if (const auto* over = std::get_if<core::session_over>(&event))
      end(*over);
  wake(step.wake_at);
}

void node_link_state::wake(std::optional<core::instant> at) {
  if (!at || *at >= wake_at_)
    return;
  wake_at_ = *at;
  self_->delayed_send(self_, std::max(*at - now(), core::duration::zero()), link_tick{});
}

void node_link_state::take(std::string_view item) {
  auto message = core::decode_to_master(item);
  if (message) {
    std::visit([this](auto& x) { handle(x); }, *message);
    return;
  }
  // A node that passed the handshake speaks this protocol; if its words are no words it is broken.
  perform(link_->expel(message.error(), now()));
}

void node_link_state::handle(core::order_entered& x) {
  if (const auto context = context_of(x.run))
    self_->send(context, attempt_entered{x.attempt, x.at});
}

void node_link_state::handle(core::order_published& x) {
  const auto context = context_of(x.run);
  if (!context)
    return;
  if (const std::string* path = missing_blob(x.files)) {
    self_->send(
        context,
        attempt_lost{x.attempt,
                     {.code = core::errc::transfer_error,
                      .message = fmt::format("the content of {} never reached the master", *path),
                      .origin = setup_.node_name},
                     std::move(x.cut),
                     x.phases,
                     x.isolation});
    return;
  }
  self_->send(context,
              publish_attempt{x.attempt, std::move(x.output), std::move(x.files),
                              std::move(x.left_out), std::move(x.cut), x.phases, x.isolation});
}

void node_link_state::handle(core::order_lost& x) {
  if (const auto context = context_of(x.run))
    self_->send(context, attempt_lost{x.attempt, std::move(x.reason), std::move(x.cut), x.phases,
                                      x.isolation});
}

void node_link_state::handle(core::orders_ended& x) {
  for (const core::attempt_id attempt : x.attempts)
    orders_.erase(attempt);
  self_->send(setup_.scheduler, attempts_ended{std::move(x.attempts)});
}

void node_link_state::handle(core::orders_refused& x) {
  for (const core::attempt_id attempt : x.attempts)
    if (auto order = orders_.extract(attempt); !order.empty())
      self_->send(setup_.scheduler, attempt_refused{std::move(order.mapped()), x.free, x.draining});
}

caf::result<node_load> node_link_state::load() {
  if (!uplink_ || over_)
    return known_load();
  auto reply = self_->make_response_promise<node_load>();
  self_->request(uplink_, setup_.answer_timeout, ask_load{})
      .then([reply](node_load& told) mutable { reply.deliver(std::move(told)); },
            [this, reply](const caf::error&) mutable { reply.deliver(known_load()); });
  return reply;
}

node_load node_link_state::known_load() const {
  return {.free = free_,
          .running = orders_.size(),
          .waiting = 0,
          .draining = !drained_.empty(),
          .labels = setup_.labels};
}

template <class Answer, class Question>
caf::result<Answer> node_link_state::ask(const Question& question) {
  if (!uplink_ || over_)
    return to_caf({.code = core::errc::transfer_error,
                   .message = fmt::format("node '{}' cannot be reached", setup_.node_name),
                   .origin = setup_.node_name});
  auto reply = self_->make_response_promise<Answer>();
  self_->request(uplink_, setup_.answer_timeout, question)
      .then([reply](Answer& told) mutable { reply.deliver(std::move(told)); },
            [reply](caf::error& failed) mutable { reply.deliver(std::move(failed)); });
  return reply;
}

caf::result<bool> node_link_state::leave() {
  if (link_)
    perform(link_->expel({.code = core::errc::node_lost, .message = "the node left"}, now()));
  return true;
}

void node_link_state::handle(core::free_reported& x) {
  free_ = x.free;
  self_->send(setup_.scheduler, node_reported{node_, x.free});
}

void node_link_state::handle(core::node_leaving&) {
  for (auto& reply : std::exchange(drained_, {}))
    reply.deliver(true);
}

void node_link_state::count_late(std::string_view batch) {
  if (!core::check_batch(batch))
    return;
  core::for_each_item(batch, [this](std::string_view item) {
    auto message = core::decode_to_master(item);
    if (!message)
      return;
    // The run may not have heard of the loss yet: what counts for others counts here.
    if (auto* published = std::get_if<core::order_published>(&*message))
      handle(*published);
  });
}

void node_link_state::end(const core::session_over& over) {
  if (std::exchange(over_, true))
    return;
  setup_.log->event(io::log_level::warning, "a node is not part of the cluster any more",
                    {{"node", setup_.node_name}, {"reason", core::describe(over.reason)}});
  orders_.clear();
  for (auto& reply : std::exchange(drained_, {}))
    reply.deliver(true);
  self_->send(setup_.master, node_silent{link_->session(), over.reason});
  self_->delayed_send(self_, setup_.late_max, forget_link{});
}

attempt_follower node_link_state::context_of(core::run_id run) const {
  const auto found = contexts_.find(run);
  return found == contexts_.end() ? attempt_follower{} : found->second;
}

const std::string* node_link_state::missing_blob(const core::manifest_delta& files) const {
  for (const auto& [path, entry] : files.written)
    if (entry.kind == core::file_kind::file && !setup_.blobs->has(entry.hash))
      return &path;
  return nullptr;
}

core::instant node_link_state::now() const { return self_->clock().now().time_since_epoch(); }

node_link_actor::behavior_type node_link(node_link_actor::stateful_pointer<node_link_state> self,
                                         node_link_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
