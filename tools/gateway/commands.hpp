#pragma once

#include "node/options.hpp"

namespace maze::gateway {

/// `maze-node serve`: HTTP for one cluster, on loopback, until a signal. Gives the exit code.
int serve_web(const node::options& what);
/// `maze-node mcp`: the Model Context Protocol on standard input and output, until the input ends. Gives the exit code.
int serve_mcp(const node::options& what);

} // namespace maze::gateway
