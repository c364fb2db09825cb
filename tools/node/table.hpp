#pragma once

#include "maze/core/units.hpp"
#include "node/line.hpp"

#include <string>
#include <vector>

namespace maze::node {

/// One field of a table: text as it came, escaped when it is shown.
struct cell {
  std::string text;
  style look = style::plain;
};

/// Rows under a line of headings, each column as wide as its longest field; the last one is not padded.
/// Without rows, only the headings.
std::string render_table(const std::vector<std::string>& headings,
                         const std::vector<std::vector<cell>>& rows, bool color);

/// How a state is coloured: `completed` good, `failed` and `timeout` bad, `running` busy.
style look_of(std::string_view state);

/// `2026-11-21 11:03:41`, UTC.
std::string time_of_day(std::chrono::nanoseconds since_epoch);

} // namespace maze::node
