#pragma once

#include "maze/io/task_reader.hpp"

#include <optional>
#include <vector>

namespace maze::io {

/// Checks what ties tasks together, without running anything: every reference and every name in
/// `after` leads to a task, to its declared output and to a part that it will have; nothing waits for
/// itself, alone or in a circle.
void check_links(findings& found, const std::vector<read_task_result>& tasks,
                 const std::optional<reference_site>& result);

} // namespace maze::io
