#pragma once

#include "maze/actors/protocol/dag_context_actor.hpp"
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
/// `maze-node functions PATH`: what task libraries and Python files offer. One that is broken is a warning.
int list_functions(const options& what);
/// `maze-node doctor`: what this machine can enforce.
int examine_machine(const options& what);
/// `maze-node start`: returns when the cluster has ended, or with `--detach` when it is ready.
int start_cluster(const options& what);
/// `maze-node join-file NAME`.
int write_join_file(const options& what);
/// The commands that ask a running cluster something.
int ask_cluster(const options& what);

/// Says why a command is not carried out, on standard error and, for programs, as a JSON object.
int refuse(const settings& values, const core::error& what, int code);
/// Says on standard error what may not be as the person wants it, unless they want to hear of errors only.
void warn(const settings& values, const std::string& what);
/// The exit code for what went wrong before or instead of a run: a wrong description, or a machine or
/// cluster that does not allow it.
int exit_code_of(core::errc code);
/// The exit code for how a run ended.
int exit_code_of(const actors::run_report& report);

} // namespace maze::node
