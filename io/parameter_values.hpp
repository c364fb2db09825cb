#pragma once

#include "maze/io/task_reader.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// An entry of `context`: where its value stands, and the type of it.
struct context_site {
  std::size_t offset = 0;
  /// Empty where the value could not be read.
  std::string_view type;
};

/// What the file's context gives to parameters.
struct read_context {
  /// Everything that the context holds is in `entries`, if only by name.
  bool complete = true;
  std::map<std::string, context_site, std::less<>> entries;
};

/// Checks where each parameter gets its value: from an input, else the context, else its default. One of
/// them must be there, fit the declared type and, where a command has the parameter as a word, be
/// something that a word can hold.
void check_parameters(findings& found, const std::vector<read_task_result>& tasks,
                      const read_context& context);

} // namespace maze::io
