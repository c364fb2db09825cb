#pragma once

#include "maze/actors/protocol/session_actor.hpp"
#include "node/settings.hpp"
#include "node/views.hpp"

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

/// What the commands print; as JSON what `views.hpp` says, lists as `{runs: […]}`, `{tasks: […]}`, `{nodes: […]}`, `{files: […]}`
/// and `{history: […]}`.
std::string show(const actors::cluster_status& status, const actors::session_opened& you,
                 const print_form& as);
std::string show(const std::vector<actors::run_row>& runs, const print_form& as);
std::string show(const std::vector<actors::task_row>& tasks, const node_names& nodes,
                 const print_form& as);
std::string show(const actors::node_page& nodes, const print_form& as);
std::string show_files(const actors::run_report& report, const print_form& as);
std::string show_history(const actors::run_report& report, const print_form& as);

} // namespace maze::node
