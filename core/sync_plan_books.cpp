#include "maze/core/ensure.hpp"
#include "maze/core/sync_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

// The books: what waits, what is on its way, and what goes out next.
namespace maze::core {

void sync_plan::enqueue(blob_state& blob) {
  blob.fetch.reset();
  queues_[blob.holders].emplace(blob.place, blob.blob.hash);
}

void sync_plan::dequeue(const blob_state& blob) {
  const auto waiting = queues_.find(blob.holders);
  waiting->second.erase(blob.place);
  if (waiting->second.empty())
    queues_.erase(waiting);
}

/// Forgets a want, and what only it wanted.
void sync_plan::release(want_id want, actions& out) {
  const auto state = wants_.extract(want);
  std::set<fetch_id> touched;
  for (const auto& hash : state.mapped().blobs) {
    const auto found = blobs_.find(hash);
    if (found == blobs_.end())
      continue;
    auto& blob = found->second;
    std::erase(blob.wants, want);
    if (!blob.wants.empty())
      continue;
    if (blob.fetch) {
      touched.insert(*blob.fetch);
      continue;
    }
    dequeue(blob);
    blobs_.erase(found);
  }
  for (const auto fetch : touched)
    stop_if_unwanted(fetch, out);
}

void sync_plan::stop_if_unwanted(fetch_id fetch, actions& out) {
  const auto at = fetches_.find(fetch);
  const auto& hashes = at->second.blobs;
  if (std::any_of(hashes.begin(), hashes.end(),
                  [&](const digest& hash) { return !blobs_.at(hash).wants.empty(); }))
    return;
  for (const auto& hash : hashes)
    blobs_.erase(hash);
  end_fetch(at);
  out.emplace_back(stop_fetch{fetch});
}

void sync_plan::end_fetch(std::map<fetch_id, fetch_state>::iterator at) {
  auto& holder = holders_.at(at->second.holder);
  --holder.fetches;
  holder.bytes -= at->second.bytes;
  fetches_.erase(at);
}

void sync_plan::complete(const digest& hash, actions& out) {
  const auto found = blobs_.find(hash);
  dequeue(found->second);
  for (const auto want : found->second.wants) {
    const auto state = wants_.find(want);
    if (--state->second.missing > 0)
      continue;
    wants_.erase(state);
    out.emplace_back(want_done{.want = want, .failure = {}});
  }
  blobs_.erase(found);
}

void sync_plan::give_up(const digest& hash, const error& why, actions& out) {
  const auto wants = blobs_.at(hash).wants;
  for (const auto want : wants) {
    release(want, out);
    out.emplace_back(want_done{.want = want, .failure = why});
  }
}

/// The holder is not asked for this blob again. @pre the blob waits.
void sync_plan::without_holder(const digest& hash, node_id holder, errc why, actions& out) {
  auto& blob = blobs_.at(hash);
  if (std::find(blob.holders.begin(), blob.holders.end(), holder) == blob.holders.end())
    return;
  dequeue(blob);
  std::erase(blob.holders, holder);
  enqueue(blob);
  if (blob.holders.empty())
    give_up(hash,
            {.code = why,
             .message = fmt::format(
                 "blob {} of {} bytes: no node that had it can give it{}", to_string(hash),
                 blob.blob.size, why == errc::transfer_error ? ", it came with a wrong hash" : "")},
            out);
}

void sync_plan::drop_holder(node_id holder, actions& out) {
  for (auto at = fetches_.begin(); at != fetches_.end();) {
    const auto next = std::next(at);
    if (at->second.holder == holder) {
      for (const auto& hash : at->second.blobs) {
        auto& blob = blobs_.at(hash);
        if (blob.wants.empty())
          blobs_.erase(hash);
        else
          enqueue(blob);
      }
      out.emplace_back(stop_fetch{at->first});
      end_fetch(at);
    }
    at = next;
  }
  // A blob in flight from elsewhere must not be asked of it later either.
  for (auto& [hash, blob] : blobs_)
    if (blob.fetch)
      std::erase(blob.holders, holder);
  std::vector<digest> waiting;
  for (const auto& [who, queued] : queues_)
    if (std::binary_search(who.begin(), who.end(), holder))
      for (const auto& [place, hash] : queued)
        waiting.push_back(hash);
  for (const auto& hash : waiting)
    if (blobs_.contains(hash))
      without_holder(hash, holder, errc::object_lost, out);
  holders_.erase(holder);
}

bool sync_plan::usable(node_id holder, time now) const {
  const auto found = holders_.find(holder);
  return found == holders_.end()
         || (found->second.fetches < bounds_.fetches_per_holder && found->second.free_at <= now);
}

std::optional<node_id> sync_plan::best_of(const std::vector<node_id>& holders, time now) const {
  std::optional<node_id> best;
  auto least = std::tuple(UINT64_MAX, SIZE_MAX, true);
  for (const auto holder : holders) {
    if (!usable(holder, now))
      continue;
    const auto found = holders_.find(holder);
    const auto load = found == holders_.end() ? holder_state{} : found->second;
    // The master serves everybody: among equals another node is asked.
    const auto cost = std::tuple(load.bytes, load.fetches, holder == master_);
    if (cost < least) {
      least = cost;
      best = holder;
    }
  }
  return best;
}

void sync_plan::assign(time now, actions& out) {
  for (;;) {
    // Whoever waits longest comes first.
    const std::vector<node_id>* first = nullptr;
    std::optional<node_id> holder;
    std::uint64_t place = UINT64_MAX;
    for (const auto& [who, queued] : queues_) {
      if (queued.begin()->first >= place)
        continue;
      if (const auto best = best_of(who, now)) {
        first = &who;
        holder = best;
        place = queued.begin()->first;
      }
    }
    if (first == nullptr)
      return;
    start(*first, *holder, out);
  }
}

void sync_plan::start(const std::vector<node_id>& holders, node_id holder, actions& out) {
  const auto waiting = queues_.find(holders);
  auto& queued = waiting->second;
  start_fetch begun{.fetch = {next_fetch_++}, .holder = holder, .blobs = {}};
  fetch_state state{.holder = holder, .blobs = {}, .bytes = 0};
  while (!queued.empty() && state.blobs.size() < bounds_.batch_blobs) {
    auto& blob = blobs_.at(queued.begin()->second);
    if (!state.blobs.empty() && state.bytes + blob.blob.size > bounds_.batch_bytes)
      break;
    blob.fetch = begun.fetch;
    begun.blobs.push_back(blob.blob);
    state.blobs.push_back(blob.blob.hash);
    state.bytes += blob.blob.size;
    queued.erase(queued.begin());
  }
  if (queued.empty())
    queues_.erase(waiting);
  auto& load = holders_[holder];
  ++load.fetches;
  load.bytes += state.bytes;
  fetches_.emplace(begun.fetch, std::move(state));
  out.emplace_back(std::move(begun));
}

void sync_plan::check_invariants() const {
  std::size_t queued = 0;
  for (const auto& [who, waiting] : queues_) {
    ensure(!waiting.empty(), "no queue is kept empty");
    ensure(!who.empty(), "a blob that waits has somebody to ask");
    ensure(std::is_sorted(who.begin(), who.end()), "holders are ascending");
    for (const auto& [place, hash] : waiting) {
      const auto& blob = blobs_.at(hash);
      ensure(!blob.fetch && blob.holders == who && blob.place == place, "queues name who waits");
      ensure(!blob.wants.empty(), "what waits is wanted");
      ++queued;
    }
  }
  std::map<node_id, holder_state> loads;
  for (const auto& [fetch, state] : fetches_) {
    bool wanted = false;
    std::uint64_t bytes = 0;
    for (const auto& hash : state.blobs) {
      const auto& blob = blobs_.at(hash);
      ensure(blob.fetch == fetch, "a blob knows its fetch");
      wanted = wanted || !blob.wants.empty();
      bytes += blob.blob.size;
      ++queued;
    }
    ensure(wanted, "no fetch runs for nobody");
    ensure(bytes == state.bytes, "a fetch knows its bytes");
    ++loads[state.holder].fetches;
    loads[state.holder].bytes += bytes;
  }
  ensure(queued == blobs_.size(), "each blob waits or is fetched, once");
  for (const auto& [who, state] : holders_) {
    ensure(state.fetches == loads[who].fetches && state.bytes == loads[who].bytes,
           "a holder's load is that of its fetches");
    ensure(state.fetches <= bounds_.fetches_per_holder, "a holder is not asked for too much");
  }
  for (const auto& [want, state] : wants_) {
    const auto missing = std::count_if(
        state.blobs.begin(), state.blobs.end(), [&, number = want](const digest& hash) {
          const auto found = blobs_.find(hash);
          return found != blobs_.end()
                 && std::find(found->second.wants.begin(), found->second.wants.end(), number)
                        != found->second.wants.end();
        });
    ensure(static_cast<std::size_t>(missing) == state.missing && missing > 0,
           "a want counts what it misses");
  }
}

} // namespace maze::core
