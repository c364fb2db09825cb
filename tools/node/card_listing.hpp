#pragma once

#include "maze/core/isolation.hpp"

#include <nlohmann/json_fwd.hpp>

namespace maze::node {

/// `{requested, level, fences: [name…]}` of a report card; null before the attempt's child began, and where it never did.
nlohmann::ordered_json isolation_json(const core::isolation& card);

} // namespace maze::node
