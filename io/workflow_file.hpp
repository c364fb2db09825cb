#pragma once

#include "maze/core/workflow.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// One thing that is wrong with a file that a person wrote.
struct diagnostic {
  /// A stable name for programs, for example `unknown_key`.
  std::string code;
  std::string file;
  /// Counted from 1; 0 where the file as a whole is meant.
  std::uint32_t line = 0;
  /// In characters (not bytes), counted from 1.
  std::uint32_t column = 0;
  /// Where in the document, for example `tasks.count.inputs.shard`; empty for the whole.
  std::string field;
  /// What is wrong, in one sentence that names the offending text.
  std::string message;
  /// What to write instead.
  std::string remedy;

  friend bool operator==(const diagnostic&, const diagnostic&) = default;
};

/// `file:line:column: field: message [code]` and the remedy on a line of its own.
std::string to_string(const diagnostic& x);

enum class text_format : std::uint8_t { yaml = 1, json = 2 };

template <class T>
using parsed = tl::expected<T, std::vector<diagnostic>>;

/// Reads and checks a workflow: everything that can be told before a run starts. All faults are
/// reported, in the order of the file (at most 100).
parsed<core::workflow> parse_workflow(std::string_view text, const std::string& file_name,
                                      text_format format);
/// The same for a file, and the libraries that it names must be there; `.json` is JSON, everything else
/// YAML. At most 16 MiB.
parsed<core::workflow> read_workflow(const std::filesystem::path& file);
/// Where a file that `read_workflow` could read has the key `name` in its map `section`, for example a task in `tasks`:
/// `file:line:column`; the file alone where it is not there (any more).
std::string place_of(const std::filesystem::path& file, std::string_view section,
                     std::string_view name);

} // namespace maze::io
