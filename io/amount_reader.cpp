#include "maze/io/amount_reader.hpp"

#include "maze/io/plain_scalar.hpp"
#include "maze/io/workflow_codes.hpp"

#include <charconv>

namespace maze::io {

namespace {

/// The text of a scalar that is text or a number; amounts with a unit are text, without one numbers.
std::optional<std::string> amount_text(const node_reader& read, const document_node& node,
                                       const field_path& field) {
  if (node.as_scalar() != nullptr && node.plain) {
    const auto meaning = read_plain_scalar(*node.as_scalar());
    if (meaning && (meaning->is<std::int64_t>() || meaning->is<double>()))
      return *node.as_scalar();
  }
  return read.text(node, field);
}

} // namespace

bool is_written_null(const document_node& node) noexcept {
  return node.plain && node.as_scalar() != nullptr && *node.as_scalar() == "null";
}

std::optional<core::byte_count> read_bytes(const node_reader& read, const document_node& node,
                                           const field_path& field) {
  const auto text = amount_text(read, node, field);
  if (!text)
    return std::nullopt;
  const auto bytes = core::parse_byte_count(*text);
  if (bytes)
    return *bytes;
  read.report(codes::bad_byte_count, node.offset, field, bytes.error().message,
              "write for example 512MB or 1.5GiB");
  return std::nullopt;
}

std::optional<core::duration> read_duration(const node_reader& read, const document_node& node,
                                            const field_path& field) {
  const auto text = amount_text(read, node, field);
  if (!text)
    return std::nullopt;
  const auto time = core::parse_duration(*text);
  if (!time) {
    read.report(codes::bad_duration, node.offset, field, time.error().message,
                "write for example 300ms, 90s, 10m or 2h");
    return std::nullopt;
  }
  if (*time == core::duration::zero()) {
    read.report(codes::out_of_range, node.offset, field, "a limit of no time lets nothing run",
                "write a longer time, or null for no limit");
    return std::nullopt;
  }
  return *time;
}

std::optional<core::duration> read_seconds(const node_reader& read, const document_node& node,
                                           const field_path& field) {
  const auto* text = node.as_scalar();
  if (text == nullptr || !node.plain)
    return read_duration(read, node, field);
  const auto meaning = read_plain_scalar(*text);
  if (!meaning || (!meaning->is<std::int64_t>() && !meaning->is<double>()))
    return read_duration(read, node, field);
  document_node seconds = node;
  seconds.content = *text + "s";
  return read_duration(read, seconds, field);
}

std::optional<std::uint32_t> read_percent(const node_reader& read, const document_node& node,
                                          const field_path& field) {
  const auto text = amount_text(read, node, field);
  if (!text)
    return std::nullopt;
  std::string_view digits = *text;
  if (digits.ends_with('%'))
    digits.remove_suffix(1);
  std::uint32_t out = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (failed == std::errc() && end == digits.data() + digits.size() && !digits.empty())
    return out;
  read.report(codes::out_of_range, node.offset, field, *text + " is no share of a core",
              "write whole hundredths of a core, for example 80% or 150%");
  return std::nullopt;
}

} // namespace maze::io
