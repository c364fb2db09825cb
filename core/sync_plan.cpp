#include "maze/core/sync_plan.hpp"

#include "maze/core/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

namespace {

/// Adds `holder` to an ascending list; whether it was not there.
bool insert_sorted(std::vector<node_id>& holders, node_id holder) {
  const auto at = std::lower_bound(holders.begin(), holders.end(), holder);
  if (at != holders.end() && *at == holder)
    return false;
  holders.insert(at, holder);
  return true;
}

} // namespace

sync_plan::actions sync_plan::want(want_id want, std::span<const wanted_blob> blobs, time now) {
  actions out;
  const auto [state, fresh] = wants_.try_emplace(want);
  ensure(fresh, "a want has a number of its own");
  for (const auto& wanted : blobs) {
    auto& blob = blobs_[wanted.blob.hash];
    const bool is_new = blob.place == 0;
    if (!blob.wants.empty() && blob.wants.back() == want)
      continue;
    blob.wants.push_back(want);
    state->second.blobs.push_back(wanted.blob.hash);
    const bool waits = !is_new && !blob.fetch;
    if (waits)
      dequeue(blob);
    if (is_new) {
      blob.blob = wanted.blob;
      blob.place = next_place_++;
      blob.holders = {master_};
    }
    for (const auto holder : wanted.holders)
      insert_sorted(blob.holders, holder);
    if (is_new || waits)
      enqueue(blob);
  }
  state->second.missing = state->second.blobs.size();
  if (state->second.missing == 0) {
    wants_.erase(state);
    out.emplace_back(want_done{.want = want, .failure = {}});
  }
  assign(now, out);
  return out;
}

sync_plan::actions sync_plan::cancel(want_id want, time now) {
  actions out;
  if (wants_.contains(want))
    release(want, out);
  assign(now, out);
  return out;
}

sync_plan::actions sync_plan::fetch_ended(fetch_id fetch, std::span<const outcome> outcomes,
                                          bool broken, time now) {
  actions out;
  const auto at = fetches_.find(fetch);
  if (at == fetches_.end())
    return out;
  const auto ended = at->second;
  ensure(outcomes.size() == ended.blobs.size(), "a fetch reports on each of its blobs");
  end_fetch(at);
  auto& holder = holders_.at(ended.holder);
  holder.failures = broken ? holder.failures + 1 : 0;
  if (broken) {
    const auto doubled = std::min(holder.failures - 1, 20U);
    holder.free_at = now + std::min(bounds_.backoff * (1 << doubled), bounds_.backoff_max);
  }
  // First all are waiting again, so that a want that is given up finds nothing half done.
  for (const auto& hash : ended.blobs) {
    auto& blob = blobs_.at(hash);
    if (blob.wants.empty())
      blobs_.erase(hash);
    else
      enqueue(blob);
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto found = blobs_.find(ended.blobs[i]);
    // Given up with a want that fell a moment ago.
    if (found == blobs_.end())
      continue;
    if (outcomes[i] == outcome::here)
      complete(found->first, out);
    else if (outcomes[i] == outcome::absent)
      without_holder(ended.blobs[i], ended.holder, errc::object_lost, out);
    else if (outcomes[i] == outcome::corrupt)
      without_holder(ended.blobs[i], ended.holder, errc::transfer_error, out);
    else if (++found->second.tries >= bounds_.tries_max)
      give_up(ended.blobs[i],
              {.code = errc::transfer_error,
               .message = fmt::format("blob {} of {} bytes: its transfer broke {} times",
                                      to_string(ended.blobs[i]), found->second.blob.size,
                                      found->second.tries)},
              out);
  }
  if (ended.holder != master_ && holder.failures >= bounds_.holder_failures_max)
    drop_holder(ended.holder, out);
  assign(now, out);
  return out;
}

sync_plan::actions sync_plan::holder_found(node_id holder, std::span<const digest> blobs,
                                           time now) {
  actions out;
  for (const auto& hash : blobs) {
    const auto found = blobs_.find(hash);
    if (found == blobs_.end())
      continue;
    auto& blob = found->second;
    if (!blob.fetch)
      dequeue(blob);
    insert_sorted(blob.holders, holder);
    if (!blob.fetch)
      enqueue(blob);
  }
  assign(now, out);
  return out;
}

sync_plan::actions sync_plan::holder_lost(node_id holder, time now) {
  actions out;
  drop_holder(holder, out);
  assign(now, out);
  return out;
}

sync_plan::actions sync_plan::tick(time now) {
  actions out;
  assign(now, out);
  return out;
}

std::optional<sync_plan::time> sync_plan::next_wakeup(time now) const {
  std::optional<time> first;
  for (const auto& [who, queued] : queues_)
    for (const auto holder : who) {
      const auto found = holders_.find(holder);
      if (found != holders_.end() && found->second.free_at > now
          && (!first || found->second.free_at < *first))
        first = found->second.free_at;
    }
  return first;
}

} // namespace maze::core
