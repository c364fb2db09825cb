#include "maze/actors/reclaimer.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/cluster_messages.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace maze::actors {

namespace {

/// Of one message to a node: 1.6 MB on the wire.
constexpr std::size_t digests_max = 100'000;

} // namespace

reclaimer_actor::behavior_type reclaimer_state::make_behavior(reclaimer_setup setup) {
  setup_ = std::move(setup);
  plan_.emplace(setup_.plan);
  return {
      [this](reclaim_runs& msg) -> caf::result<reclaimed> {
        auto reply = self_->make_response_promise<reclaimed>();
        take(std::move(msg), reply);
        return reply;
      },
      [this](reclaim_later& msg) { take(std::move(msg.what), std::nullopt); },
      [this](reclaim_tick) {
        tick_due_ = false;
        if (!round_)
          begin_round();
      },
  };
}

void reclaimer_state::take(reclaim_runs msg, std::optional<promise> who_waits) {
  source_ = msg.source;
  forgotten_.insert(forgotten_.end(), msg.runs.begin(), msg.runs.end());
  if (msg.everything)
    suspect_everything();
  struct collection {
    std::size_t unheard = 0;
    std::optional<promise> reply;
  };
  auto open =
      std::make_shared<collection>(collection{msg.contexts.size() + 1, std::move(who_waits)});
  const auto done = [this, open] {
    if (--open->unheard > 0)
      return;
    if (!open->reply)
      return rest();
    waiting_.push_back(std::move(*open->reply));
    if (!round_)
      begin_round();
  };
  for (const dag_context_actor& context : msg.contexts)
    self_->request(context, setup_.patience, name_blobs{})
        .then(
            [this, context, done](const blob_list& needed) {
              plan_->suspect(*needed);
              self_->send_exit(context, caf::exit_reason::user_shutdown);
              done();
            },
            [this, context, done](const caf::error& why) {
              setup_.log->event(io::log_level::warning, "the files of a forgotten run stay",
                                {{"reason", core::describe(from_caf(why))}});
              self_->send_exit(context, caf::exit_reason::user_shutdown);
              done();
            });
  done();
}

void reclaimer_state::suspect_everything() {
  plan_->suspect_past();
  if (auto all = setup_.blobs->list())
    plan_->suspect(*all);
  else
    setup_.log->event(io::log_level::warning, "the store cannot be listed",
                      {{"reason", core::describe(all.error())}});
}

void reclaimer_state::begin_round() {
  round_ = true;
  failed_ = false;
  in_round_ = std::exchange(waiting_, {});
  auto suspects = plan_->begin(now());
  // The master answers before anybody else can be asked: runs that it accepts later have claimed what
  // they need.
  self_->request(source_, setup_.patience, list_needy{})
      .then([this, suspects = std::move(suspects)](
                const needy& all) mutable { ask(std::move(suspects), all); },
            [this](const caf::error&) {
              failed_ = true;
              end_round();
            });
}

void reclaimer_state::ask(std::shared_ptr<const core::digest_set> suspects, const needy& all) {
  nodes_ = all.nodes;
  unheard_ = 1;
  if (suspects)
    for (const dag_context_actor& context : all.contexts) {
      ++unheard_;
      self_->request(context, setup_.patience, name_blobs{suspects})
          .then(
              [this](const blob_list& needed) {
                plan_->needed(*needed);
                heard();
              },
              [this](const caf::error& why) {
                // One that ended is forgotten, too.
                failed_ = failed_
                          || (why != caf::sec::request_receiver_down
                              && why.category() != caf::atom("exit"));
                heard();
              });
    }
  heard();
}

void reclaimer_state::heard() {
  if (--unheard_ == 0)
    end_round();
}

void reclaimer_state::end_round() {
  round_ = false;
  const auto decided = failed_ ? std::vector<core::digest>{} : plan_->decide(now());
  auto swept = setup_.blobs->sweep(decided);
  if (!swept) {
    setup_.log->event(io::log_level::warning, "files of forgotten runs cannot be removed",
                      {{"reason", core::describe(swept.error())}});
    answer(to_caf(swept.error()));
    return rest();
  }
  plan_->end(decided, swept->claimed);
  const core::digest_set spared(swept->claimed.begin(), swept->claimed.end());
  std::vector<core::digest> gone;
  std::copy_if(decided.begin(), decided.end(), std::back_inserter(gone),
               [&spared](const core::digest& blob) { return spared.count(blob) == 0; });
  tell_nodes(gone);
  answer(reclaimed{.blobs = swept->removed.size(),
                   .bytes = swept->bytes,
                   .later_blobs = swept->claimed.size(),
                   .later_bytes = swept->claimed_bytes});
  if (!waiting_.empty())
    return begin_round();
  rest();
}

void reclaimer_state::tell_nodes(const std::vector<core::digest>& gone) {
  core::drop_data news{.runs = std::exchange(forgotten_, {}), .blobs = {}};
  auto next = gone.begin();
  do {
    const auto count = std::min<std::ptrdiff_t>(gone.end() - next, digests_max);
    news.blobs.assign(next, next + count);
    next += count;
    if (!news.runs.empty() || !news.blobs.empty())
      for (const node_agent_actor& node : nodes_)
        self_->send(node, news);
    news.runs.clear();
  } while (next != gone.end());
}

void reclaimer_state::answer(const caf::expected<reclaimed>& what) {
  for (promise& reply : std::exchange(in_round_, {})) {
    if (what)
      reply.deliver(*what);
    else
      reply.deliver(what.error());
  }
}

void reclaimer_state::rest() {
  if ((plan_->idle() && forgotten_.empty()) || std::exchange(tick_due_, true))
    return;
  self_->delayed_send(self_, setup_.plan.claim, reclaim_tick{});
}

core::instant reclaimer_state::now() const { return self_->clock().now().time_since_epoch(); }

reclaimer_actor::behavior_type reclaimer(reclaimer_actor::stateful_pointer<reclaimer_state> self,
                                         reclaimer_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
