#pragma once

#include "maze/core/result.hpp"

#include <string_view>

namespace maze::core {

/// Whether container engines take this for the name of an image: `[host[:port]/]path[:tag][@digest]`. Fails with `invalid_argument`, saying which part is
/// wrong and what it may be.
/// Source: the grammar of docker's and podman's "distribution/reference", reference.go.
result<void> check_image_name(std::string_view name);

} // namespace maze::core
