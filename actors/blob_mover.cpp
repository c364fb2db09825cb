#include "maze/actors/blob_mover.hpp"

#include "maze/actors/errors.hpp"

#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace maze::actors {

namespace {

using outcome = core::sync_plan::outcome;

outcome outcome_of(const core::blob_id& blob, const io::bulk_report& report) {
  const auto failed = std::find_if(report.failures.begin(), report.failures.end(),
                                   [&](const io::bulk_failure& one) { return one.blob == blob; });
  if (failed == report.failures.end())
    return outcome::here;
  return failed->why.code == core::errc::transfer_error ? outcome::corrupt : outcome::absent;
}

template <class T>
caf::result<T> answer(core::result<T> from) {
  if (from)
    return std::move(*from);
  return to_caf(from.error());
}

} // namespace

blob_mover_actor::behavior_type blob_mover_state::make_behavior(blob_mover_setup setup) {
  setup_ = std::move(setup);
  return {
      [this](const fetch_blobs& msg) { fetch(msg); },
      [this](const ask_holder& msg) { ask(msg); },
      [this](const push_blobs& msg) { return answer(push(msg)); },
      [this](const fetch_document& msg) { return answer(document(msg)); },
  };
}

void blob_mover_state::fetch(const fetch_blobs& msg) {
  fetch_ended end{msg.fetch, setup_.holder,
                  std::vector<outcome>(msg.blobs.size(), outcome::untried), true, 0};
  if (auto peer = client()) {
    const std::uint64_t before = (*peer)->bytes_received();
    auto report = (*peer)->get(msg.blobs, *setup_.blobs, msg.stop);
    end.bytes = (*peer)->bytes_received() - before;
    broken_ = !report;
    end.broken = broken_;
    for (std::size_t i = 0; i < msg.blobs.size(); ++i)
      if (report)
        end.outcomes[i] = outcome_of(msg.blobs[i], *report);
      else if (setup_.blobs->has(msg.blobs[i].hash))
        end.outcomes[i] = outcome::here;
  }
  self_->send(setup_.owner, std::move(end));
}

void blob_mover_state::ask(const ask_holder& msg) {
  auto peer = client();
  if (!peer)
    return;
  const auto there = (*peer)->have(msg.blobs, {});
  broken_ = !there;
  if (!there)
    return;
  holder_answered out{setup_.holder, {}};
  for (std::size_t i = 0; i < msg.blobs.size(); ++i)
    if ((*there)[i])
      out.blobs.push_back(msg.blobs[i].hash);
  self_->send(setup_.owner, std::move(out));
}

core::result<std::uint64_t> blob_mover_state::push(const push_blobs& msg) {
  return twice<std::uint64_t>([&](io::bulk_client& peer) -> core::result<std::uint64_t> {
    const std::uint64_t before = peer.bytes_sent();
    auto report = peer.put(msg.blobs, *setup_.blobs, {});
    broken_ = !report;
    if (!report)
      return core::fail(report.error());
    if (!report->failures.empty())
      return core::fail(report->failures.front().why);
    return peer.bytes_sent() - before;
  });
}

core::result<std::string> blob_mover_state::document(const fetch_document& msg) {
  return twice<std::string>([&](io::bulk_client& peer) {
    auto found = peer.document(msg.name, {});
    broken_ = !found;
    return found;
  });
}

template <class T, class Work>
core::result<T> blob_mover_state::twice(Work work) {
  const bool reused = client_.has_value();
  auto peer = client();
  if (!peer)
    return core::fail(peer.error());
  auto done = work(**peer);
  // A connection may have died while nobody used it, which shows at its next use only.
  if (done || !reused || !broken_)
    return done;
  peer = client();
  if (!peer)
    return core::fail(peer.error());
  return work(**peer);
}

core::result<io::bulk_client*> blob_mover_state::client() {
  if (client_ && !broken_)
    return &*client_;
  auto stream = setup_.connect();
  if (!stream)
    return core::fail(stream.error());
  if (client_)
    client_->reconnect(std::move(*stream));
  else
    client_.emplace(std::move(*stream), io::bulk_client::options{});
  broken_ = false;
  return &*client_;
}

blob_mover_actor::behavior_type
blob_mover(blob_mover_actor::stateful_pointer<blob_mover_state> self, blob_mover_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
