#pragma once

#include <span>
#include <string_view>

namespace maze::gateway {

/// How to write a workflow, for somebody who has this page alone.
std::string_view workflow_guide();
/// The examples of the guide, each a whole workflow that needs no other file.
std::span<const std::string_view> guide_examples();

} // namespace maze::gateway
