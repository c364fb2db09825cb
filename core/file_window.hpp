#pragma once

#include "maze/core/error.hpp"
#include "maze/core/file_report.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/task_spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// What an attempt is shown of the files that there are for it; the others are not there at all.
struct file_window {
  /// Globs of what is shown, with all that lies below.
  std::vector<std::string> reads;
  /// Paths of files that are shown as well.
  std::vector<std::string> named;
  /// Globs of what may be removed: what no other list shows is there as an empty file.
  std::vector<std::string> removable;

  friend bool operator==(const file_window&, const file_window&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, file_window& x) {
    return f(x.reads, x.named, x.removable);
  }
};

/// Nothing where the task is shown all files, because its `file_report` is not `strict`.
std::optional<file_window> window_of(const task_spec& spec);

/// Two parts of what there is.
struct windowed_files {
  file_map shown;
  /// What is kept from the attempt. What may only be removed is in both: there as it is, and in `shown` as an empty file.
  file_map withheld;
};

/// The content of an empty file, XXH3-128 of nothing.
inline constexpr digest empty_content{0x99aa06d3014798d8U, 0x6001c324468d497fU};

/// @param files  passes `check_file_map`; so do both parts. A folder is shown where the window shows it or something below.
windowed_files look_through(const file_window& window, const file_map& files);

/// Takes those folders out of `written` that the attempt made only because it was not shown them: they were there, and keep
/// the mode that they had.
void drop_hidden_folders(file_map& written, const file_map& shown, const file_map& withheld);

/// How many files and symlinks were withheld, and some of them by name: first those whose names stand in `text`, which is what
/// the attempt said when it failed.
withheld_files sum_up_withheld(const file_map& withheld, std::string_view text);

/// What is added to the message of a failure that may come from files that were not there: a clause; empty where it cannot.
std::string withheld_hint(const withheld_files& withheld, errc code);

} // namespace maze::core
