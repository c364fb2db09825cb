#include "maze/io/library_folder.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace maze::io {

namespace {

constexpr std::string_view ending = ".so";
constexpr std::string_view prefix = "lib";

} // namespace

core::result<std::string> library_name(const std::filesystem::path& file) {
  std::string name = file.filename().native();
  if (name.size() > ending.size() && name.ends_with(ending))
    name.resize(name.size() - ending.size());
  if (name.size() > prefix.size() && name.starts_with(prefix))
    name.erase(0, prefix.size());
  if (core::is_name(name))
    return name;
  return core::fail(core::errc::invalid_argument,
                    fmt::format("functions cannot name a library '{}'", core::printable(name)),
                    "libraries");
}

core::result<library_folder> list_libraries(const std::filesystem::path& folder) {
  std::error_code failed;
  std::error_code unknown;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed))
    if (auto name = at->path().filename().native();
        name.size() > ending.size() && name.ends_with(ending)
        && std::filesystem::is_regular_file(at->path(), unknown))
      names.push_back(std::move(name));
  if (failed)
    return core::fail(
        failed == std::errc::no_such_file_or_directory ? core::errc::not_found
                                                       : core::errc::io_error,
        fmt::format("the folder {}: {}", core::printable(folder.native()), failed.message()),
        "libraries");
  std::sort(names.begin(), names.end());
  library_folder out;
  for (std::string& file : names) {
    auto name = library_name(file);
    if (!name) {
      out.warnings.push_back(
          fmt::format("{} is left out: {}", core::printable(file), name.error().message));
      continue;
    }
    if (const auto found = out.files.find(*name); found != out.files.end()) {
      out.ambiguous.insert(*name);
      out.warnings.push_back(fmt::format("{} is left out: {} has the same name and comes later",
                                         core::printable(found->second), core::printable(file)));
    }
    out.files.insert_or_assign(std::move(*name), std::move(file));
  }
  return out;
}

} // namespace maze::io
