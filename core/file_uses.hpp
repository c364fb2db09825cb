#pragma once

#include "maze/core/file_report.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// Something that happens to a file, seen from outside of who does it.
enum class file_sight : std::uint8_t {
  /// It was opened, for what shows when it is closed.
  opened,
  /// Who had it open only for reading, or ran it, closed it.
  closed_unwritten,
  /// Who had it open for writing closed it.
  closed_written,
  /// Its content goes on under another name: it was moved, or got one more name.
  taken,
  /// Its name was removed, or something else has it now.
  replaced,
  /// Its mode, owner, times or attributes were set, which says nothing of its content.
  marked,
};

/// What an attempt did with the files that it saw at first, told sight by sight in the order in which they happened.
///
/// What comes first decides: a file that was written before it was read holds the attempt's own content by then.
class file_uses {
public:
  enum class use : std::uint8_t {
    /// Never closed again: whoever opened it may have read it.
    opened,
    read,
    /// Opened for writing, whatever came of it.
    written,
    /// Its first content was never looked at.
    replaced,
    /// The same, and it is still there.
    marked,
  };

  /// Nothing was there at first.
  file_uses() : file_uses(nullptr) {}
  /// @param seen  What the attempt saw at first; null: nothing. Sights of other paths, and of what is no file, say nothing.
  explicit file_uses(std::shared_ptr<const file_map> seen);

  void saw(std::string_view path, file_sight what);
  /// Something was done to the file that left it as it was. Where no sight says what, it had one more name for a while: that
  /// shows by neither of its names, nor does what was done by the other one.
  void touched(std::string_view path);
  /// Some sights are missing, and why.
  void miss(std::string why);
  /// Why something may be missing; empty: nothing is.
  [[nodiscard]] const std::string& missed() const noexcept { return missed_; }
  [[nodiscard]] const file_map& seen() const noexcept { return *seen_; }
  [[nodiscard]] const std::map<std::string, use, std::less<>>& all() const noexcept {
    return uses_;
  }

private:
  std::shared_ptr<const file_map> seen_;
  std::map<std::string, use, std::less<>> uses_;
  std::string missed_;
};

/// What an attempt changed, as far as it counts.
struct file_changes {
  const manifest_delta& delta;
  /// Paths that are not published; a folder stands for all below it.
  const std::vector<std::string>& left_out;
  /// What was there and was not shown to it.
  const file_map& withheld;
};

/// What the attempt did beside what `spec` declares: `files`, and with it `publishes` and `deletes`; the file of a Python
/// function is declared by being named. A file that was opened for writing and is the same as before counts as read, and a
/// folder in the place of a file as written.
file_report report_files(const task_spec& spec, const file_uses& uses, const file_changes& changes);

/// Whether the attempt may count: fails with `permission_denied` naming the paths where the report is `strict` and goes
/// beyond the declaration, and with `resource_exhausted` where it cannot tell because sights are missing: of files that were
/// shown without their content.
result<void> check_files(const file_report& report, const file_uses& uses,
                         const file_map& withheld);

} // namespace maze::core
