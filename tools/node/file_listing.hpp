#pragma once

#include "maze/core/file_report.hpp"

#include <nlohmann/json.hpp>

namespace maze::node {

/// `{mode, complete, undeclared_reads: [path…], undeclared_writes: [path…], undeclared_removals: [path…], unused_reads:
/// [glob…], more, withheld: {total, paths: [path…]}}`, paths as `io::file_name_to_text` writes them; null where nobody looked.
nlohmann::ordered_json file_report_json(const core::file_report& report);

} // namespace maze::node
