#include "maze/io/diagnostics.hpp"

#include "maze/core/reference.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::io {

source_text::source_text(std::string_view text) : text_(text) {
  line_begins_.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n')
      line_begins_.push_back(i + 1);
}

std::size_t source_text::line_index(std::size_t offset) const noexcept {
  const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
  return static_cast<std::size_t>(after - line_begins_.begin()) - 1;
}

line_column source_text::locate(std::size_t offset) const noexcept {
  offset = std::min(offset, text_.size());
  const auto line = line_index(offset);
  const auto before = text_.substr(line_begins_[line], offset - line_begins_[line]);
  const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  });
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(characters + 1)};
}

std::string_view source_text::line_of(std::size_t offset) const noexcept {
  const auto begin = line_begins_[line_index(std::min(offset, text_.size()))];
  return text_.substr(begin, text_.find('\n', begin) - begin);
}

void findings::report(finding what) {
  ++count_;
  kept_.push_back(std::move(what));
  if (kept_.size() >= 10 * count_max)
    keep_first();
}

void findings::keep_first() {
  std::stable_sort(kept_.begin(), kept_.end(),
                   [](const finding& a, const finding& b) { return a.offset < b.offset; });
  if (kept_.size() > count_max)
    kept_.erase(kept_.begin() + count_max, kept_.end());
}

std::vector<diagnostic> findings::take(const std::string& file_name) {
  keep_first();
  if (count_ > count_max)
    kept_.pop_back();
  std::vector<diagnostic> told;
  for (auto& x : kept_) {
    const auto at = source_.locate(x.offset);
    told.push_back({std::string(x.code), file_name, at.line, at.column, std::move(x.field),
                    std::move(x.message), std::move(x.remedy)});
  }
  if (count_ > count_max)
    told.push_back({std::string(codes::too_many_faults), file_name, 0, 0, "",
                    fmt::format("{} more faults are not shown", count_ - kept_.size()),
                    "mend the ones above and read the file again"});
  kept_.clear();
  count_ = 0;
  return told;
}

std::string field_path::text() const {
  std::string before = parent == nullptr ? std::string() : parent->text();
  if (index != no_index)
    return before + fmt::format("[{}]", index);
  if (key.empty() && parent == nullptr)
    return before;
  if (!before.empty())
    before += '.';
  return core::is_name(key) ? before.append(key) : before + fmt::format("\"{}\"", key);
}

} // namespace maze::io
