#pragma once

#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/core/result.hpp"
#include "node/report.hpp"
#include "node/settings.hpp"

#include <string>

namespace maze::node {

/// What is known of a run besides its own report.
struct run_frame {
  std::string name;
  /// Text of its id.
  std::string run;
  std::size_t total = 0;
  core::wall_time started{};
};

/// What people and programs are told about a run.
run_report report_of(const actors::run_report& told, const run_frame& frame);

/// Text as it is, so that a pipe gets just the result; everything else as JSON; with an end of line.
std::string result_text(const core::value& result);

/// Nothing that exists is overwritten, and better said before the work than after it: fails with
/// `already_exists` unless `--out` names nothing or an empty folder.
core::result<void> check_destination(const settings& values);

} // namespace maze::node
