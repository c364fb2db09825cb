#pragma once

#include "maze/core/result.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace maze::io {

/// The task libraries of a folder.
struct library_folder {
  /// File names by the name that functions use: `libtext.so` and `text.so` are both `text`.
  std::map<std::string, std::string, std::less<>> files;
  /// Of these names there is another file, which is left out.
  std::set<std::string, std::less<>> ambiguous;
  /// Files that are left out and why, for people.
  std::vector<std::string> warnings;
};

/// The name that functions use for the library in `file`: `libtext.so` and `text.so` are both `text`. Fails with
/// `invalid_argument` for one that functions cannot write.
core::result<std::string> library_name(const std::filesystem::path& file);

/// The files of `folder` that end with `.so`, not those of folders in it. Of two with one name the last by file name counts.
/// Fails with `not_found` where there is no folder, and with what the file system says.
core::result<library_folder> list_libraries(const std::filesystem::path& folder);

} // namespace maze::io
