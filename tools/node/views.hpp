#pragma once

#include "maze/actors/protocol/session_actor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <vector>

/// What programs are told of a cluster, by the command line and over HTTP alike.
namespace maze::node {

/// `{name, version, started, runs: {live, total}, tasks: {state: count}, nodes, cpus, memory, gpus, you: {identity,
/// permissions}}`. `you` is who asks.
nlohmann::ordered_json view_of(const actors::cluster_status& status,
                               const actors::session_opened& you);
/// `{run, name, state, accepted, tasks: {state: count}}`.
nlohmann::ordered_json view_of(const actors::run_row& run);

/// By number, for those that are still known.
using node_names = std::map<core::node_id, std::string>;
node_names names_of(const actors::node_page& nodes);
/// The name of a node that is still known, else its number; empty: nowhere.
std::string name_of(core::node_id node, const node_names& nodes);

/// `{task, kind, calls, state, attempts, node, phase, started_s, elapsed_s, phases, isolation, file_report, earlier, error:
/// {class, message}}`; `node`, `phase`, `started_s`, `file_report` and `error` are null where there is none.
nlohmann::ordered_json view_of(const actors::task_row& task, const node_names& nodes);
/// `{node, name, state, cpus, memory, cpus_free, memory_free, running, waiting, received, sent, labels}`; `received` and
/// `sent` in bytes of content since the node's start.
nlohmann::ordered_json view_of(const actors::node_row& node);
/// `ready`, `draining` or `silent`.
std::string state_of(const actors::node_row& node);
/// `[{path, kind, size, hash}]`. Paths as `io::file_name_to_text` writes them.
nlohmann::ordered_json view_of_files(const actors::run_report& report);
std::string_view kind_text(core::file_kind kind);
/// `[{path, task, hash, size}]`.
nlohmann::ordered_json view_of_history(const actors::run_report& report);
/// In the order of their bits.
std::vector<std::string> permission_names(core::permission_set permitted);

} // namespace maze::node
