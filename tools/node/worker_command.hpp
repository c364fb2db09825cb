#pragma once

#include "node/options.hpp"

namespace maze::node {

/// `maze-node start --role worker`: returns when the node has ended, or with `--detach` when it has
/// joined its cluster.
int start_worker(const options& what);

} // namespace maze::node
