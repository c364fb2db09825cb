#pragma once

#include "node/options.hpp"

namespace maze::node {

/// What `maze-node` ends with.
namespace exit_code {
inline constexpr int done = 0;
/// The run failed.
inline constexpr int failed = 1;
/// Wrong use or an invalid file.
inline constexpr int wrong_use = 2;
/// No cluster, or not allowed.
inline constexpr int refused = 3;
inline constexpr int cancelled = 4;
inline constexpr int timed_out = 5;
inline constexpr int interrupted = 130;
} // namespace exit_code

/// Does what the command line asks for and gives the exit code.
int carry_out(const options& what);

/// `maze-node run FILE`: a private node runs one workflow and is gone afterwards.
int run_workflow(const options& what);
/// `maze-node validate FILE`.
int validate_workflow(const options& what);

} // namespace maze::node
