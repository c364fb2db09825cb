#pragma once

#include "maze/sandbox/container_engine.hpp"
#include "maze/sandbox/launcher.hpp"
#include "node/line.hpp"
#include "node/listing.hpp"

#include <string>
#include <vector>

namespace maze::node {

/// Something that keeps tasks apart, and whether this machine gives it to this user.
struct mechanism_row {
  std::string name;
  bool here = false;
  /// A version, or whatever says more; may be empty.
  std::string detail;
  /// What it gives.
  std::string meaning;
  /// How to get it; empty where it is here.
  std::string remedy;
};

/// What a machine can enforce, from what maze-init found when it tried.
struct machine_report {
  std::vector<mechanism_row> levels;
  std::vector<mechanism_row> mechanisms;
};

/// @param root  whether the node would be root
/// @param engine  that of its containers, or why there is none
machine_report report_of(const sandbox::capabilities& can, bool root,
                         const core::result<sandbox::container_engine>& engine);

/// What is left of it on a node that is root and gives its tasks no users of their own.
void take_own_users(machine_report& report);

/// A table for people, with what to do below it; or a JSON object.
std::string show(const machine_report& report, const print_form& as);

} // namespace maze::node
