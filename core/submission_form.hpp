#pragma once

#include "maze/core/archive_refs.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/file_rules.hpp"
#include "maze/core/library.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// What a client hands in: one run, as plain data. Its files' blobs travel apart.
struct submission_form {
  /// Made by the client: the same id again means the same run.
  std::string client_id;
  std::string name;
  std::vector<task_spec> tasks;
  context_map context;
  /// The snapshot taken at submit.
  file_map files;
  /// Hash of `encode_manifest(files)`.
  digest base;
  /// Globs of published files that the client wants; empty: all.
  std::vector<std::string> collect;
  std::optional<reference> result;
  file_rules rules;
  /// Task libraries by the name that functions use; their blobs travel as those of files do.
  library_refs libraries;
  /// What the calls have in common that the client will hand in later; nothing for a run without any.
  std::optional<call_plan> calls;
  /// Archives of images, by the path that sandboxes name.
  archive_refs archives;

  friend bool operator==(const submission_form&, const submission_form&) = default;
};

/// The longest id that a client may make, in bytes.
constexpr std::size_t client_id_max = 128;
/// Task libraries of one run.
constexpr std::size_t libraries_max = 64;
/// The largest task library, in bytes.
constexpr std::uint64_t library_size_max = std::uint64_t{4} << 30;

/// Checks a task as a reader of workflow files would have: names, types, inputs without a parameter, an
/// empty command, NUL bytes in what a program is given, ranges; of functions their names, the place of a
/// Python file, the alphabet of a pickle. Fails with `invalid_argument`, or `malformed` for a NUL byte, naming task
/// and field. Whether the files and libraries exist that it names is for `decode_submission` to say.
result<void> check_task(const task_spec& task);

/// A format byte, then the binary form of core/README.md. Fails with `limit_exceeded` or `malformed` where
/// a value in it cannot be encoded, naming the task or context entry.
result<std::string> encode_submission(const submission_form& form);

/// The inverse, from bytes that nobody vouches for: fails with `malformed` or `limit_exceeded` naming the
/// offset, with `unsupported_operation` for the format of a newer maze. The result has passed `check_task`
/// for each task and `check_file_map`, and its functions name libraries and files of the run; whether its tasks form a graph is for `graph::build` to say, and
/// `base` for who can hash.
result<submission_form> decode_submission(std::string_view encoded);

} // namespace maze::core
