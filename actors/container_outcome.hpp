#pragma once

#include "maze/sandbox/enter_block.hpp"
#include "maze/sandbox/launcher.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace maze::actors {

/// Turns the end of an engine's program into that of the child which it ran.
/// @param told  what the first process of the container left; empty where the container never began
/// @param program  what the child was to run
/// @param engine  its name
void tell_end(const std::optional<sandbox::enter::report>& told, const std::string& program,
              std::string_view engine, sandbox::exit_report& report);

} // namespace maze::actors
