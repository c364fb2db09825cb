#include "maze/actors/errors.hpp"
#include "maze/actors/run_document.hpp"
#include "maze/actors/uplink.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace maze::actors {

void uplink_state::tell(const core::to_master& message) {
  // What an attempt of an old session has to say concerns nobody any more.
  if (!link_)
    return;
  if (auto queued = link_->send(core::encode_to_master(message)); !queued)
    return setup_.log->event(io::log_level::warning, "a message for the master could not be queued",
                             {{"reason", core::describe(queued.error())}});
  // Behind what waits in the mailbox, so that all of it travels in one frame.
  if (!std::exchange(flush_due_, true))
    self_->send(self_, flush_link{});
}

void uplink_state::perform(core::link_step step) {
  if (master_)
    for (core::link_frame& frame : step.frames)
      self_->send(master_, std::move(frame));
  for (const std::string& batch : step.delivered)
    core::for_each_item(batch, [this](std::string_view item) {
      // An item may have ended the session.
      if (link_)
        take(item);
    });
  wake(step.wake_at);
  for (const core::link_event& event : step.events)
    if (const auto* over = std::get_if<core::session_over>(&event))
      return end(*over);
}

void uplink_state::wake(std::optional<core::instant> at) {
  if (!at || *at >= wake_at_)
    return;
  wake_at_ = *at;
  self_->delayed_send(self_, std::max(*at - now(), core::duration::zero()), link_tick{});
}

void uplink_state::take(std::string_view item) {
  auto message = core::decode_to_node(item);
  if (message)
    return std::visit([this](auto& x) { handle(x); }, *message);
  if (link_)
    perform(link_->expel(message.error(), now()));
}

void uplink_state::handle(core::run_orders& x) {
  run_attempts out;
  out.orders.reserve(x.orders.size());
  for (core::attempt_order& order : x.orders) {
    runs_.insert_or_assign(order.attempt, order.run);
    if (order.task == core::lane_task)
      lanes_.insert(order.attempt);
    out.orders.push_back(attempt_order{{std::move(order)}, self_});
  }
  self_->send(agent_, std::move(out));
}

void uplink_state::handle(core::stop_orders& x) {
  self_->send(agent_, stop_attempts{std::move(x.attempts)});
}

void uplink_state::handle(core::open_run&) {}

void uplink_state::handle(core::close_run& x) {
  // Whoever was stopped before it began never says how it ended.
  std::erase_if(runs_, [&x](const auto& ordered) { return ordered.second == x.run; });
  self_->send(agent_, close_run{x.run});
}

void uplink_state::handle(core::drain_node&) {
  self_->request(agent_, setup_.drain_timeout, drain_node{.stop_running = false})
      .then([this](bool) { tell(core::node_leaving{}); },
            [this](const caf::error&) { tell(core::node_leaving{}); });
}

void uplink_state::handle(core::name_holders& x) {
  self_->send(setup_.files, know_holders{std::move(x.holders)});
}

void uplink_state::handle(core::drop_data& x) { self_->send(agent_, std::move(x)); }

void uplink_state::publish(publish_attempt& msg) {
  const auto found = runs_.extract(msg.attempt);
  if (found.empty())
    return;
  std::vector<core::blob_id> blobs;
  for (const auto& [path, entry] : msg.files.written)
    if (entry.kind == core::file_kind::file)
      blobs.push_back({entry.hash, entry.size});
  core::order_published news{found.mapped(),
                             msg.attempt,
                             std::move(msg.output),
                             std::move(msg.files),
                             std::move(msg.left_out),
                             std::move(msg.cut),
                             msg.phases,
                             msg.isolation};
  if (blobs.empty())
    return tell(std::move(news));
  // Content first: a publication counts when the master's store holds every new blob.
  const core::session_id session = link_->session();
  self_->request(setup_.files, setup_.files_timeout, push_blobs{std::move(blobs)})
      .then(
          [this, session, news, began = now()](bool) mutable {
            news.phases.at(core::phase::push).ended += now() - began;
            if (link_ && link_->session() == session)
              tell(std::move(news));
          },
          [this, session, news](const caf::error& failed) {
            if (link_ && link_->session() == session)
              tell(core::order_lost{news.run, news.attempt, from_caf(failed), news.cut, news.phases,
                                    news.isolation});
          });
}

caf::result<run_bundle_ptr> uplink_state::find(core::run_id run) {
  auto reply = self_->make_response_promise<run_bundle_ptr>();
  self_->request(setup_.files, setup_.files_timeout, fetch_document{document_name(run)})
      .then(
          [this, run, reply](const std::string& content) mutable {
            auto bundle = read_run_document(run, content);
            if (!bundle) {
              reply.deliver(to_caf(bundle.error()));
              return;
            }
            hide_secrets(**bundle);
            reply.deliver(std::move(*bundle));
          },
          [reply](caf::error& failed) mutable { reply.deliver(std::move(failed)); });
  return reply;
}

/// Before anything of the run can be printed here, and so logged or told.
void uplink_state::hide_secrets(const run_bundle& run) {
  for (const auto& [key, entry] : run.context)
    if (const auto* text = entry.content.as<std::string>(); entry.secret && text != nullptr)
      setup_.log->secrets().hide(*text);
}

core::instant uplink_state::now() const { return self_->clock().now().time_since_epoch(); }

} // namespace maze::actors
