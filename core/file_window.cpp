#include "maze/core/file_window.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/workflow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace maze::core {

namespace {

/// Of one failure; who wants more reads the report.
constexpr std::size_t hinted_max = 5;
/// What separates the paths that programs print from the rest of what they say.
constexpr std::string_view separators = " \t\r\n'\"`:;,()[]{}<>=|&";

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// The last parts of all that could be a path.
std::set<std::string_view> names_in(std::string_view text) {
  std::set<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (const auto name = last_part(text.substr(0, end)); !name.empty())
      out.insert(name);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

file_entry emptied(const file_entry& entry) {
  return {.hash = empty_content,
          .mode = entry.kind == file_kind::file ? entry.mode : file_entry().mode};
}

/// Whether a task that was not shown a file may fail in this way.
bool may_come_of_missing_files(errc code) {
  static constexpr std::array codes{errc::user_exception, errc::exit_nonzero, errc::signalled,
                                    errc::invalid_payload};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

} // namespace

std::optional<file_window> window_of(const task_spec& spec) {
  if (spec.files.report != file_report_mode::strict)
    return std::nullopt;
  file_window out{.reads = spec.files.reads, .named = {}, .removable = spec.deletes};
  if (const auto* python = std::get_if<python_action>(&spec.action);
      python != nullptr && python->source == python_source::file)
    out.named.push_back(python->text);
  return out;
}

windowed_files look_through(const file_window& window, const file_map& files) {
  windowed_files out;
  std::vector<file_map::const_iterator> folders;
  for (auto at = files.begin(); at != files.end(); ++at) {
    const std::string& path = at->first;
    const file_entry& entry = at->second;
    if (any_glob_covers(window.reads, path)
        || std::find(window.named.begin(), window.named.end(), path) != window.named.end()) {
      out.shown.insert(*at);
    } else if (entry.kind == file_kind::directory) {
      folders.push_back(at);
    } else {
      out.withheld.insert(*at);
      if (any_glob_covers(window.removable, path))
        out.shown.emplace(path, emptied(entry));
    }
  }
  // Deepest first: one that is shown has those above it shown.
  for (auto each = folders.rbegin(); each != folders.rend(); ++each) {
    const std::string& path = (*each)->first;
    const bool is_shown = any_glob_covers(window.removable, path) || holds_below(out.shown, path);
    (is_shown ? out.shown : out.withheld).insert(**each);
  }
  return out;
}

void drop_hidden_folders(file_map& written, const file_map& shown, const file_map& withheld) {
  if (withheld.empty())
    return;
  std::erase_if(written, [&](const auto& each) {
    const auto& [path, entry] = each;
    if (entry.kind != file_kind::directory || shown.contains(path) || holds_below(shown, path))
      return false;
    const auto hidden = withheld.find(path);
    return hidden == withheld.end() ? holds_below(withheld, path)
                                    : hidden->second.kind == file_kind::directory;
  });
}

withheld_files sum_up_withheld(const file_map& withheld, std::string_view text) {
  withheld_files out;
  std::size_t bytes = 0;
  const auto names = names_in(text);
  for (const bool named : {true, false})
    for (const auto& [path, entry] : withheld) {
      if (entry.kind == file_kind::directory || names.contains(last_part(path)) != named)
        continue;
      ++out.total;
      bytes += path.size();
      if (out.paths.size() < withheld_files::paths_max && bytes <= withheld_files::path_bytes_max)
        out.paths.push_back(path);
    }
  return out;
}

std::string withheld_hint(const withheld_files& withheld, errc code) {
  if (withheld.total == 0 || !may_come_of_missing_files(code))
    return {};
  const auto count = std::min(withheld.paths.size(), hinted_max);
  std::string named;
  for (std::size_t i = 0; i < count; ++i)
    named += (i == 0                    ? ""
              : i + 1 == withheld.total ? " and "
                                        : ", ")
             + printable(withheld.paths[i]);
  if (count < withheld.total)
    named += count == 0 ? fmt::format("{} files", withheld.total)
                        : fmt::format(" and {} more", withheld.total - count);
  return fmt::format("; its `file_report` is strict and no `reads` fits {}, so {} kept from it",
                     named, withheld.total == 1 ? "that was" : "those were");
}

} // namespace maze::core
