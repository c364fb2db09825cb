#pragma once

#include "maze/actors/protocol/master_actor.hpp"
#include "maze/core/result.hpp"
#include "node/event_queue.hpp"
#include "node/settings.hpp"
#include "node/submission.hpp"

#include <functional>
#include <memory>

namespace maze::node {

/// What `prepare` gave, and the signal that ended it early; 0 where none did.
struct watched_submission {
  core::result<std::shared_ptr<actors::submission>> work;
  int interrupted_by = 0;
};

/// Runs `work`, a call of `prepare`, on a thread of its own. Meanwhile shows what the snapshot has
/// taken, from the second second on: in place on a terminal, a line every ten seconds elsewhere. The
/// first signal makes it stop, with `cancelled`; a second one, should a file system not let it, calls
/// `abandon`, which does not return.
watched_submission
watch_snapshot(event_queue& events, const settings& values,
               const std::function<core::result<std::shared_ptr<actors::submission>>(
                   const io::snapshot_options&)>& work,
               const std::function<void(int signal)>& abandon);

} // namespace maze::node
