#pragma once

#include "maze/core/library.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace maze::core {

// How what a task or a call does is named, wherever people read of it, and told apart. Texts are for people: two
// functions may share one. What tells functions apart is `descriptor`.

enum class action_kind : std::uint8_t {
  command = 1,
  shell = 2,
  library_function = 3,
  python_function = 4,
};

/// Whether the number names a kind.
constexpr bool is_known(action_kind x) noexcept {
  return x >= action_kind::command && x <= action_kind::python_function;
}

action_kind kind_of(const task_action& x) noexcept;
/// `command`, `shell`, `function` or `python`: the keys that a workflow file has for them.
std::string_view to_string(action_kind x) noexcept;

/// Where the code is: `text.count` of a library, `tools/report.py:draw` of a file, `code:draw`, `pickle`, the program
/// of a command as it was written, `/bin/sh` of a script. An entry that was left out is left out here.
std::string call_site(const task_action& x);
/// What is called there: `count`, `draw`, the last part of a program's path, `sh`; where no entry was named, the
/// call site.
std::string call_string(const task_action& x);
/// What a call is called that has no name of its own: the call string, then `()`.
std::string default_task_name(const task_action& x);

/// Bytes that two actions share only where they call the same code the same way, on any machine: kind, all of the
/// action, and for a function the content of its library. A function of a library that `libraries` lacks has none
/// of that. A Python file counts by its path: its content belongs to the run. Hash them where a key is wanted.
std::string descriptor(const task_action& x, const library_refs& libraries);

} // namespace maze::core
