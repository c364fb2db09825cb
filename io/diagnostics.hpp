#pragma once

#include "maze/io/workflow_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// Line and column of a byte, as editors count them.
struct line_column {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  friend bool operator==(const line_column&, const line_column&) = default;
};

/// A text that a person wrote, and the way from a byte of it to line and column.
///
/// @note Keeps a view: the text must outlive it.
class source_text {
public:
  explicit source_text(std::string_view text);

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// Lines end with LF, columns count UTF-8 characters; a byte past the end is the end.
  [[nodiscard]] line_column locate(std::size_t offset) const noexcept;
  /// The line that the byte lies in, without its end.
  [[nodiscard]] std::string_view line_of(std::size_t offset) const noexcept;

private:
  [[nodiscard]] std::size_t line_index(std::size_t offset) const noexcept;

  std::string_view text_;
  std::vector<std::size_t> line_begins_;
};

/// One thing found wrong; `offset` is the byte of the text where it lies.
struct finding {
  std::string_view code;
  std::size_t offset = 0;
  std::string field;
  std::string message;
  std::string remedy = {};
};

/// Collects what is wrong with one text. Memory stays bounded however much is wrong.
class findings {
public:
  /// How many diagnostics one file yields at most.
  static constexpr std::size_t count_max = 100;

  explicit findings(const source_text& source) : source_(source) {}

  void report(finding what);
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] const source_text& source() const noexcept { return source_; }
  /// What was reported, in the order of the text. More than `count_max`: the first ones, and in the
  /// last place a `too_many_faults` that counts the rest.
  [[nodiscard]] std::vector<diagnostic> take(const std::string& file_name);

private:
  void keep_first();

  const source_text& source_;
  std::vector<finding> kept_;
  std::size_t count_ = 0;
};

/// Where in a document: a chain of keys and indices on the stack, put into words only on demand.
struct field_path {
  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

  const field_path* parent = nullptr;
  std::string_view key = {};
  std::size_t index = no_index;

  [[nodiscard]] field_path operator/(std::string_view name) const { return {this, name}; }
  [[nodiscard]] field_path operator[](std::size_t at) const { return {this, {}, at}; }
  /// For example `tasks.count.inputs.shard` or `files[2].to`; a key that is no name is quoted.
  [[nodiscard]] std::string text() const;
};

} // namespace maze::io
