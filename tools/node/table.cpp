#include "node/table.hpp"

#include "maze/core/printable.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace maze::node {

namespace {

void add_field(std::string& line, const cell& field, std::size_t width, bool color) {
  const auto text = core::printable(field.text);
  line += paint(text, field.look, color);
  const auto used = core::columns(text);
  line.append(width > used ? width - used : 0, ' ');
}

} // namespace

std::string render_table(const std::vector<std::string>& headings,
                         const std::vector<std::vector<cell>>& rows, bool color) {
  std::vector<std::vector<cell>> all{{}};
  for (const std::string& heading : headings)
    all.front().push_back({heading, style::strong});
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths(headings.size());
  for (const auto& row : all)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], core::columns(core::printable(row[i].text)));
  std::string out;
  for (const auto& row : all) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      add_field(line, row[i], i + 1 < row.size() ? widths[i] + 2 : 0, color);
    out += line + "\n";
  }
  return out;
}

style look_of(std::string_view state) {
  if (state == "completed")
    return style::good;
  if (state == "failed" || state == "timeout")
    return style::bad;
  if (state == "running" || state == "cancelling" || state == "draining")
    return style::busy;
  return style::plain;
}

std::string time_of_day(std::chrono::nanoseconds since_epoch) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

} // namespace maze::node
