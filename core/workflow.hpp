#pragma once

#include "maze/core/file_rules.hpp"
#include "maze/core/task_spec.hpp"

#include <optional>
#include <string>
#include <vector>

namespace maze::core {

/// One entry of `files:`: a file or folder to take into the snapshot.
struct file_source {
  /// Absolute, or relative to the folder of the workflow file.
  std::string from;
  /// Glob below `from` (`*`, `?`, `[…]`, `**` for any number of folders); empty: everything.
  std::string match;
  /// Where it lies in the taskspace: a folder when it ends in `/`, else the exact path; empty: under
  /// the last part of `from` (a matched tree: at the root).
  std::string to;
  /// Globs below `from` of what is left out; one that fits a folder leaves out all below it.
  std::vector<std::string> except = {};

  friend bool operator==(const file_source&, const file_source&) = default;
};

/// A context entry as described: a value, or the name of an environment variable that holds a secret.
struct context_source {
  value content;
  /// Not empty: a secret, read from this environment variable of the submitting process.
  std::string secret_variable;

  friend bool operator==(const context_source&, const context_source&) = default;
};

/// The description of work, checked: what a workflow file says.
struct workflow {
  std::string name;
  std::map<std::string, context_source, std::less<>> context;
  std::vector<file_source> files;
  std::vector<task_spec> tasks;
  /// Globs of published files to bring home; empty: all that was published.
  std::vector<std::string> collect;
  std::optional<reference> result;
  file_rules rules;
  /// Task libraries by the name that functions use: paths, absolute or relative to the folder of the
  /// workflow file.
  std::map<std::string, std::string, std::less<>> libraries;
  /// The folder that they are of, where the file names one instead; empty otherwise.
  std::string library_folder;
  /// For people: what is odd about it and does no harm.
  std::vector<std::string> warnings;

  friend bool operator==(const workflow&, const workflow&) = default;
};

/// Whether the glob `pattern` matches the whole relative `path`: `*` and `?` stay inside one part,
/// `[a-z]` and `[!a-z]` are classes, `**` as a whole part matches any number of parts. A pattern
/// without `/` is tried against the last part as well.
bool glob_match(std::string_view pattern, std::string_view path) noexcept;
/// Whether one of the globs fits `path` or a folder above it.
bool any_glob_covers(const std::vector<std::string>& globs, std::string_view path) noexcept;

} // namespace maze::core
