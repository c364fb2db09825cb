#pragma once

#include "maze/core/sandbox_policy.hpp"

#include <string>

namespace maze::io {

/// Reads parts of a sandbox as flags and settings say them: `memory=1GiB, readable=[/opt/models]`, each as it stands under
/// `sandbox` in a workflow. Fails with `invalid_argument` naming the part and the remedy.
core::result<core::sandbox_options> parse_sandbox_options(const std::string& text);

} // namespace maze::io
