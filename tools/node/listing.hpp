#pragma once

#include "maze/actors/protocol/session_actor.hpp"
#include "node/settings.hpp"

#include <map>
#include <string>
#include <vector>

namespace maze::node {

/// How answers are printed.
struct print_form {
  output_form form = output_form::table;
  bool color = false;
};

/// `1.20 MiB`; with two decimals at most, as an exact number of bytes says nothing at a glance.
std::string size_text(std::uint64_t bytes);

/// What `maze-node status` prints: `{name, version, started, runs: {live, total}, tasks: {state: count},
/// nodes, cpus, memory, gpus, you: {identity, permissions}}`.
/// `you` is who asks.
std::string show(const actors::cluster_status& status, const actors::session_opened& you,
                 const print_form& as);
/// In the order of their bits.
std::vector<std::string> permission_names(core::permission_set permitted);

/// What `maze-node runs` prints: `{runs: [{run, name, state, accepted, tasks: {state: count}}]}`.
std::string show(const std::vector<actors::run_row>& runs, const print_form& as);

/// What `maze-node tasks` prints: `{tasks: [{task, kind, calls, state, attempts, node, phase, started_s,
/// elapsed_s, phases, isolation, file_report, earlier, error: {class, message}}]}`; `node`, `phase`, `started_s`, `file_report`
/// and `error` are null where there is none.
std::string show(const std::vector<actors::task_row>& tasks,
                 const std::map<core::node_id, std::string>& nodes, const print_form& as);

/// What `maze-node nodes` prints: `{nodes: [{node, name, state, cpus, memory, cpus_free, memory_free,
/// running, waiting, received, sent, labels}]}`; `received` and `sent` in bytes of content since the node's start.
std::string show(const actors::node_page& nodes, const print_form& as);

/// What `maze-node files` prints: `{files: [{path, kind, size, hash}]}`, or with `history` `{history:
/// [{path, task, hash, size}]}`. Paths as `io::file_name_to_text` writes them.
std::string show_files(const actors::run_report& report, const print_form& as);
std::string show_history(const actors::run_report& report, const print_form& as);

} // namespace maze::node
