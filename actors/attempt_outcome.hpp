#pragma once

#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"
#include "maze/sandbox/launcher.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace maze::actors {

/// What a command's end means for its task: the encoded output dictionary, or the error that the
/// attempt ends with. The dictionary is `{key: {exit_code, stdout, stderr}}`, or with
/// `core::output_form::many` those of the three that the task declares. Streams that are declared as
/// bytes or are not UTF-8 become bytes; declared as text, the latter fail with `invalid_payload` naming
/// the key. The error's evidence is the end of standard error, at most 4 KiB.
core::result<std::string> command_outcome(const core::task_spec& spec,
                                          const sandbox::exit_report& report);

/// Whether a child came to its own end: fails where a signal, a limit, a stop or its set-up ended it. `what`
/// names it in the message: `command`, `function`.
core::result<void> check_end(const core::task_spec& spec, const sandbox::exit_report& report,
                             std::string_view what);

/// What to add to the words of a program that failed: it only says that it could not, and what stood around it is for the
/// reader to know. Begins with a semicolon, or is empty.
std::string fence_hint(const sandbox::exit_report& report);

/// An error with the exit status, the signal and the end of standard error, at most 4 KiB.
core::error ended_badly(core::errc code, std::string message, const sandbox::exit_report& report);

/// The streams of `report` that are longer than what it holds of them, or whose log is not whole.
/// @param out,err  Where their logs lie.
std::vector<cut_stream> cut_streams(const sandbox::exit_report& report,
                                    const std::filesystem::path& out,
                                    const std::filesystem::path& err);

/// The last `size_max` bytes of `text`, from the start of a line where there is one, as valid UTF-8.
std::string last_lines(const std::string& text, std::size_t size_max);

} // namespace maze::actors
