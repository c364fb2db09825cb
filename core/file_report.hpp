#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// What is made of the files that an attempt uses beyond what its task declares.
enum class file_report_mode : std::uint8_t {
  /// Nobody looks.
  none = 1,
  /// They are listed.
  observe = 2,
  /// What is not declared is not there for it; what it writes beyond is listed, and the attempt fails.
  strict = 3,
};
/// Whether the number names a mode.
constexpr bool is_known(file_report_mode x) noexcept {
  return x >= file_report_mode::none && x <= file_report_mode::strict;
}
/// `none`, `observe`, `strict`: never renamed.
std::string_view to_string(file_report_mode x) noexcept;

/// Which files a task says that it uses.
struct file_declaration {
  /// Globs of files that it reads, with all that lies below them.
  std::vector<std::string> reads;
  /// Globs of files that it writes or removes, with all that lies below them.
  std::vector<std::string> writes;
  file_report_mode report = file_report_mode::none;

  friend bool operator==(const file_declaration&, const file_declaration&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, file_declaration& x) {
    return f(x.reads, x.writes, x.report);
  }
};

/// What declaration and deed differ in.
enum class file_difference : std::uint8_t {
  /// The path was read, and no glob of `reads` fits it.
  undeclared_read = 1,
  /// The path was written, and no glob of `writes` fits it.
  undeclared_write = 2,
  /// The path was removed, and no glob of `writes` fits it.
  undeclared_removal = 3,
  /// Nothing was read that this glob of `reads` fits.
  unused_read = 4,
};
/// Whether the number names a difference.
constexpr bool is_known(file_difference x) noexcept {
  return x >= file_difference::undeclared_read && x <= file_difference::unused_read;
}

struct file_finding {
  file_difference what = file_difference::undeclared_read;
  /// Bytes of a path; of an unused read the glob.
  std::string path;

  friend bool operator==(const file_finding&, const file_finding&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, file_finding& x) {
    return f(x.what, x.path);
  }
};

/// Files that were there for an attempt and were not shown to it, because its task does not declare them.
struct withheld_files {
  std::uint64_t total = 0;
  /// Some of them, at most `paths_max`.
  std::vector<std::string> paths;

  static constexpr std::size_t paths_max = 16;
  /// Bytes of all paths together.
  static constexpr std::size_t path_bytes_max = std::size_t{4} << 10;

  friend bool operator==(const withheld_files&, const withheld_files&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, withheld_files& x) {
    return f(x.total, x.paths);
  }
};

/// What an attempt that came to a good end did with files, beside what its task declares; of a strict one that failed only
/// what it was not shown.
struct file_report {
  /// `none`: nobody looked, and the rest says nothing.
  file_report_mode mode = file_report_mode::none;
  /// Whether all that was read is known.
  bool complete = true;
  /// Findings beyond those that are listed.
  std::uint32_t more = 0;
  /// By difference, then by path; at most `findings_max`.
  std::vector<file_finding> findings;
  /// Of a strict task.
  withheld_files withheld = {};

  static constexpr std::size_t findings_max = 64;
  /// Bytes of all paths together.
  static constexpr std::size_t path_bytes_max = std::size_t{16} << 10;

  /// Whether files were used that are not declared.
  [[nodiscard]] bool goes_beyond() const noexcept {
    return !findings.empty() && findings.front().what != file_difference::unused_read;
  }

  friend bool operator==(const file_report&, const file_report&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, file_report& x) {
    return f(x.mode, x.complete, x.more, x.findings, x.withheld);
  }
};

/// What people are told of the files beyond the declaration: `read a and b, and wrote c`; of each kind a few by name. Empty
/// where there are none.
std::string describe_beyond(const file_report& report);
/// What was declared and never read, the same way: `a and b`.
std::string describe_unused(const file_report& report);

} // namespace maze::core
