// How much an attempt may write into its folder.
#include "maze/actors/worker.hpp"
#include "maze/core/units.hpp"
#include "maze/io/folder_usage.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

namespace {

/// Between two looks; what is written in that time may be beyond the limit.
constexpr std::chrono::milliseconds disk_interval{100};
/// Of the time between them, looking takes one part in so many.
constexpr int disk_share = 10;

} // namespace

std::uint64_t worker_state::disk_used(const held_attempt& x, bool ended) const {
  const auto& folder = x.view.kind == io::view_kind::overlay ? x.view.upper : x.view.mount_point;
  const auto used = io::used_bytes(folder, ended);
  if (!used)
    warn(x, "how much an attempt wrote cannot be told", used.error());
  return used.value_or(0) - std::min(used.value_or(0), x.disk_before);
}

void worker_state::limit_disk(held_attempt& x, core::sandbox_spec& sandbox) const {
  if (!sandbox.disk)
    return;
  x.disk_before = disk_used(x, false);
  // The one file that would be too much by itself fails at once.
  sandbox.file_size = std::min(sandbox.file_size.value_or(*sandbox.disk), *sandbox.disk);
}

void worker_state::watch_disk(const held_attempt& x, std::chrono::nanoseconds looked) {
  if (spec(x).sandbox.disk)
    self_->delayed_send(self_,
                        std::max<std::chrono::nanoseconds>(disk_interval, disk_share * looked),
                        disk_tick{x.order.attempt});
}

void worker_state::check_disk(core::attempt_id attempt) {
  held_attempt* const x = find(attempt);
  if (x == nullptr)
    return;
  const auto begin = std::chrono::steady_clock::now();
  if (!lined_up(*x) && disk_used(*x, false) > spec(*x).sandbox.disk->value) {
    x->disk_passed = true;
    setup_.services->launcher->stop(x->child, std::chrono::milliseconds(0));
    return;
  }
  watch_disk(*x, std::chrono::steady_clock::now() - begin);
}

core::result<void> worker_state::check_disk_at_end(held_attempt& x) {
  const auto& limit = spec(x).sandbox.disk;
  if (!limit)
    return {};
  x.isolation.add(core::fence::disk_watch);
  if (!x.disk_passed && disk_used(x, true) <= limit->value)
    return {};
  return core::fail(core::errc::limit_exceeded,
                    fmt::format("the task wrote more into its folder than its limit of {}: "
                                "`sandbox` has `disk`",
                                core::to_string(*limit)),
                    "execute");
}

} // namespace maze::actors
