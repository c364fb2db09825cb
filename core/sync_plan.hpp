#pragma once

#include "maze/core/blob_id.hpp"
#include "maze/core/error.hpp"
#include "maze/core/ids.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <variant>
#include <vector>

namespace maze::core {

/// Somebody's wish to have a list of blobs here.
using want_id = id<struct want_tag>;
/// One transfer from one holder.
using fetch_id = id<struct fetch_tag>;

/// The twin of `file_sync`: decides who fetches which blob from whom. A blob that several want is
/// fetched once; batches go to the holder with the fewest bytes on the way; what one holder cannot
/// give is asked of another. Times are of any steady clock.
///
/// Give it only blobs that are not here. The master holds every blob until it says otherwise.
class sync_plan {
public:
  struct limits {
    /// A fetch takes blobs until it has so many bytes, but always one.
    std::uint64_t batch_bytes = std::uint64_t{4} << 20;
    std::size_t batch_blobs = 1024;
    /// Fetches from one holder at a time.
    std::size_t fetches_per_holder = 2;
    /// Broken transfers of a blob before it is given up.
    std::uint32_t tries_max = 6;
    /// Broken transfers in a row before a holder other than the master counts as gone.
    std::uint32_t holder_failures_max = 3;
    /// How long a holder is left alone after the first broken transfer; doubled with each further
    /// one, up to `backoff_max`.
    std::chrono::milliseconds backoff{200};
    std::chrono::milliseconds backoff_max{10'000};
  };

  struct wanted_blob {
    blob_id blob;
    /// Nodes beside the master that are known to have it.
    std::vector<node_id> holders;
  };

  /// Do: bring these blobs here; then report with `fetch_ended`.
  struct start_fetch {
    fetch_id fetch;
    node_id holder;
    std::vector<blob_id> blobs;
    bool operator==(const start_fetch&) const = default;
  };
  /// Do: stop it, nobody wants it any more. No report is due.
  struct stop_fetch {
    fetch_id fetch;
    bool operator==(const stop_fetch&) const = default;
  };
  /// Tell: all blobs are here, or why that cannot be (`object_lost`, `transfer_error`).
  struct want_done {
    want_id want;
    std::optional<error> failure;
    bool operator==(const want_done&) const = default;
  };
  using action = std::variant<start_fetch, stop_fetch, want_done>;
  using actions = std::vector<action>;
  using time = std::chrono::nanoseconds;

  /// What became of one blob of a fetch.
  enum class outcome : std::uint8_t {
    here,
    /// The holder has no such blob, or cannot read it.
    absent,
    /// It came with a wrong hash.
    corrupt,
    /// The transfer broke before it came.
    untried,
  };

  sync_plan(limits bounds, node_id master) : bounds_(bounds), master_(master) {}

  /// @pre `want` is not known.
  actions want(want_id want, std::span<const wanted_blob> blobs, time now);
  /// Nobody waits for `want` any more; no `want_done` follows.
  actions cancel(want_id want, time now);
  /// @param outcomes  for each blob of the fetch, in its order.
  /// @param broken  whether the connection failed. A fetch that was stopped is ignored.
  actions fetch_ended(fetch_id fetch, std::span<const outcome> outcomes, bool broken, time now);
  /// Another node has blobs too; those that nobody wants are not noted.
  actions holder_found(node_id holder, std::span<const digest> blobs, time now);
  /// The node is gone, and what comes from it is not waited for.
  actions holder_lost(node_id holder, time now);
  /// Starts what had to wait. Call it at `next_wakeup`.
  actions tick(time now);
  /// When a holder that is left alone may be asked again; nothing when no blob waits for that.
  [[nodiscard]] std::optional<time> next_wakeup(time now) const;

  [[nodiscard]] std::size_t wants() const noexcept { return wants_.size(); }
  /// Aborts when the books do not balance; tests call it.
  void check_invariants() const;

private:
  struct blob_state {
    blob_id blob;
    std::vector<want_id> wants;
    /// Who may still be asked, ascending.
    std::vector<node_id> holders;
    std::uint32_t tries = 0;
    /// Place in its queue while it waits.
    std::uint64_t place = 0;
    std::optional<fetch_id> fetch;
  };
  struct fetch_state {
    node_id holder;
    std::vector<digest> blobs;
    std::uint64_t bytes = 0;
  };
  struct holder_state {
    std::size_t fetches = 0;
    std::uint64_t bytes = 0;
    std::uint32_t failures = 0;
    time free_at{};
  };
  struct want_state {
    std::vector<digest> blobs;
    std::size_t missing = 0;
  };
  /// Blobs that wait and may be asked of the same holders, by their places.
  using queue = std::map<std::uint64_t, digest>;

  void enqueue(blob_state& blob);
  void dequeue(const blob_state& blob);
  void complete(const digest& hash, actions& out);
  void give_up(const digest& hash, const error& why, actions& out);
  void release(want_id want, actions& out);
  void without_holder(const digest& hash, node_id holder, errc why, actions& out);
  void drop_holder(node_id holder, actions& out);
  void end_fetch(std::map<fetch_id, fetch_state>::iterator at);
  void stop_if_unwanted(fetch_id fetch, actions& out);
  void assign(time now, actions& out);
  void start(const std::vector<node_id>& holders, node_id holder, actions& out);
  [[nodiscard]] bool usable(node_id holder, time now) const;
  [[nodiscard]] std::optional<node_id> best_of(const std::vector<node_id>& holders, time now) const;

  limits bounds_;
  node_id master_;
  std::unordered_map<digest, blob_state> blobs_;
  std::map<want_id, want_state> wants_;
  std::map<fetch_id, fetch_state> fetches_;
  std::map<node_id, holder_state> holders_;
  std::map<std::vector<node_id>, queue> queues_;
  std::uint64_t next_fetch_ = 1;
  std::uint64_t next_place_ = 1;
};

} // namespace maze::core
