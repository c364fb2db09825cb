#include "maze/core/file_uses.hpp"

#include "maze/core/file_window.hpp"
#include "maze/core/workflow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace maze::core {

namespace {

bool lies_in(std::string_view path, const std::string& folder) {
  return path == folder || lies_below(path, folder);
}

class reporter {
public:
  reporter(const task_spec& spec, const file_uses& uses, const file_changes& changes)
      : spec_(spec), uses_(uses), changes_(changes) {
    out_.mode = spec.files.report;
    out_.complete = uses.missed().empty();
    if (out_.mode == file_report_mode::strict)
      out_.withheld = sum_up_withheld(changes.withheld, {});
  }

  file_report run() && {
    look_at_reads();
    look_at_writes();
    look_at_removals();
    look_at_declared();
    return std::move(out_);
  }

private:
  void add(file_difference what, const std::string& path) {
    bytes_ += path.size();
    if (out_.findings.size() < file_report::findings_max && bytes_ <= file_report::path_bytes_max)
      out_.findings.push_back({what, path});
    else
      ++out_.more;
  }

  /// Whether the attempt wrote into the file and left it as it was.
  [[nodiscard]] bool is_unchanged(const std::string& path) const {
    const auto& removed = changes_.delta.removed;
    const auto hides = [&](const std::string& x) { return lies_in(path, x); };
    return !changes_.delta.written.contains(path)
           && std::none_of(removed.begin(), removed.end(), hides)
           && std::none_of(changes_.left_out.begin(), changes_.left_out.end(), hides);
  }

  [[nodiscard]] bool is_own_file(const std::string& path) const {
    const auto* python = std::get_if<python_action>(&spec_.action);
    return python != nullptr && python->source == python_source::file && python->text == path;
  }

  void look_at_reads() {
    using use = file_uses::use;
    for (const auto& [path, how] : uses_.all()) {
      if (how == use::replaced || how == use::marked
          || (how == use::written && !is_unchanged(path)))
        continue;
      read_.push_back(path);
      if (!any_glob_covers(spec_.files.reads, path)
          && !is_own_file(path)
          // Nothing of it need have been read where it is declared as written.
          && (how != use::written || !any_glob_covers(spec_.files.writes, path)))
        add(file_difference::undeclared_read, path);
    }
  }

  [[nodiscard]] bool was_no_folder(const std::string& path) const {
    for (const file_map* const files : {&uses_.seen(), &changes_.withheld})
      if (const auto found = files->find(path); found != files->end())
        return found->second.kind != file_kind::directory;
    return false;
  }

  void look_at_writes() {
    for (const auto& [path, entry] : changes_.delta.written)
      if ((entry.kind != file_kind::directory || was_no_folder(path))
          && !any_glob_covers(spec_.files.writes, path) && !any_glob_covers(spec_.publishes, path))
        add(file_difference::undeclared_write, path);
  }

  void look_at_removals() {
    const auto& seen = uses_.seen();
    for (const std::string& top : changes_.delta.removed)
      for (auto at = seen.lower_bound(top); at != seen.end() && at->first.starts_with(top); ++at)
        if (lies_in(at->first, top) && at->second.kind != file_kind::directory
            && !any_glob_covers(spec_.files.writes, at->first)
            && !any_glob_covers(spec_.deletes, at->first))
          add(file_difference::undeclared_removal, at->first);
  }

  void look_at_declared() {
    for (const std::string& glob : spec_.files.reads)
      if (std::none_of(read_.begin(), read_.end(),
                       [&](const std::string& path) { return any_glob_covers({glob}, path); }))
        add(file_difference::unused_read, glob);
  }

  const task_spec& spec_;
  const file_uses& uses_;
  const file_changes& changes_;
  file_report out_;
  std::vector<std::string> read_;
  std::size_t bytes_ = 0;
};

} // namespace

file_uses::file_uses(std::shared_ptr<const file_map> seen)
    : seen_(seen ? std::move(seen) : std::make_shared<const file_map>()) {}

void file_uses::saw(std::string_view path, file_sight what) {
  const auto entry = seen_->find(path);
  if (entry == seen_->end() || entry->second.kind != file_kind::file)
    return;
  const auto at = uses_.try_emplace(std::string(path), use::marked).first;
  const bool first = at->second == use::marked;
  if (!first && at->second != use::opened)
    return;
  switch (what) {
  case file_sight::marked:
    return;
  case file_sight::opened:
    at->second = use::opened;
    return;
  case file_sight::closed_unwritten:
  case file_sight::taken:
    at->second = use::read;
    return;
  case file_sight::closed_written:
    at->second = use::written;
    return;
  case file_sight::replaced:
    // Who has it open still reads the first content.
    if (first)
      at->second = use::replaced;
    return;
  }
}

void file_uses::touched(std::string_view path) {
  if (missed_.empty() && !uses_.contains(path))
    saw(path, file_sight::taken);
}

void file_uses::miss(std::string why) {
  if (missed_.empty())
    missed_ = std::move(why);
}

file_report report_files(const task_spec& spec, const file_uses& uses,
                         const file_changes& changes) {
  return reporter(spec, uses, changes).run();
}

result<void> check_files(const file_report& report, const file_uses& uses,
                         const file_map& withheld) {
  if (report.mode != file_report_mode::strict)
    return {};
  if (report.goes_beyond())
    return fail(errc::permission_denied,
                fmt::format("the task {}, beyond what it declares, and `file_report` is strict: "
                            "name such files in its `reads` or `writes`",
                            describe_beyond(report)),
                "push");
  // What was not there at all was not read, whatever nobody saw.
  const auto by_name_only = [&](const auto& each) { return uses.seen().contains(each.first); };
  if (!report.complete && std::any_of(withheld.begin(), withheld.end(), by_name_only))
    return fail(errc::resource_exhausted,
                fmt::format("`file_report` is strict, the task may remove files that it does not "
                            "read, and not all that it read is known: {}",
                            uses.missed()),
                "push");
  return {};
}

} // namespace maze::core
