#include "maze/core/file_report.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze::core {

namespace {

/// Of one kind; who wants all reads the report.
constexpr std::size_t named_max = 5;

/// `a, b and 3 more`, of the findings of one kind.
std::string paths_of(const file_report& report, file_difference what) {
  std::string out;
  std::size_t count = 0;
  std::string last;
  const auto flush = [&](std::string_view before) {
    if (!last.empty())
      out += (out.empty() ? "" : std::string(before)) + std::exchange(last, {});
  };
  for (const file_finding& one : report.findings) {
    if (one.what != what || ++count > named_max)
      continue;
    flush(", ");
    last = printable(one.path);
  }
  if (count <= named_max) {
    flush(" and ");
    return out;
  }
  flush(", ");
  return out + fmt::format(" and {} more", count - named_max);
}

} // namespace

std::string_view to_string(file_report_mode x) noexcept {
  switch (x) {
  case file_report_mode::none:
    return "none";
  case file_report_mode::observe:
    return "observe";
  case file_report_mode::strict:
    return "strict";
  }
  return "unknown";
}

std::string describe_beyond(const file_report& report) {
  static constexpr std::pair<file_difference, std::string_view> verbs[] = {
      {file_difference::undeclared_read, "read"},
      {file_difference::undeclared_write, "wrote"},
      {file_difference::undeclared_removal, "removed"}};
  std::string out;
  for (const auto& [what, verb] : verbs)
    if (const auto paths = paths_of(report, what); !paths.empty())
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", verb, paths);
  if (!out.empty() && report.more > 0)
    out += fmt::format(", and {} more", report.more);
  return out;
}

std::string describe_unused(const file_report& report) {
  return paths_of(report, file_difference::unused_read);
}

} // namespace maze::core
