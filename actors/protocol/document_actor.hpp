#pragma once

#include "maze/actors/interface.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/shared_messages.hpp"
#include "maze/core/submission_rules.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <memory>
#include <string>

namespace maze::actors {

using shared_bytes = std::shared_ptr<const std::string>;

/// A whole submission as a client encoded it.
struct read_submission {
  shared_bytes encoded;
  core::submitter by{};
};

/// A report to encode for a client: see `run_report`.
struct write_report {
  std::shared_ptr<const run_report> report;
};

/// The DOCUMENT READER: does for the session gate what takes long, so that nobody waits for it but who
/// asked.
using document_actor = interface<
    // Checks everything about it, also that the master's store has its blobs; fails with what is wrong.
    submit_run(read_submission),
    // The report's binary form.
    shared_bytes(write_report)>;

} // namespace maze::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::read_submission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::write_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(maze::actors::shared_bytes)

// clang-format off
#define MAZE_DOCUMENT_MESSAGES(each)  \
  each(maze::actors::shared_bytes)    \
  each(maze::actors::read_submission) \
  each(maze::actors::write_report)
// clang-format on
MAZE_DOCUMENT_MESSAGES(MAZE_DECLARE_MESSAGE)
