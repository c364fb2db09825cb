#include "maze/core/reference.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace maze::core {

namespace {

constexpr std::string_view output_word = ".output";
constexpr std::size_t name_bytes_max = 128;

constexpr bool starts_name(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

constexpr bool continues_name(char c) noexcept {
  return starts_name(c) || (c >= '0' && c <= '9') || c == '-';
}

/// The longest `[A-Za-z_][A-Za-z0-9_-]*` that `text` starts with; empty where there is none.
constexpr std::string_view leading_name(std::string_view text) noexcept {
  if (text.empty() || !starts_name(text.front()))
    return {};
  std::size_t n = 1;
  while (n < text.size() && continues_name(text[n]))
    ++n;
  return text.substr(0, n);
}

std::string quoted(std::string_view key) {
  std::string out = "\"";
  for (const char c : key) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + '"';
}

std::string key_text(std::string_view key) {
  const bool plain = !key.empty() && leading_name(key).size() == key.size();
  return plain ? std::string(key) : quoted(key);
}

/// Reads one reference from left to right; the first thing that is wrong is kept.
class parser {
public:
  explicit parser(std::string_view text) noexcept : text_(text) {}

  tl::expected<reference, reference_error> parse() {
    reference out;
    if (!parse_task(out))
      return tl::make_unexpected(std::move(*error_));
    while (at_ < text_.size()) {
      auto step = parse_step();
      if (!step)
        return tl::make_unexpected(std::move(*error_));
      out.path.push_back(std::move(*step));
    }
    return out;
  }

private:
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }

  std::nullopt_t refuse(std::string_view why) {
    error_ = reference_error{
        .fault = reference_fault::malformed,
        .message = fmt::format("reference `{}` is malformed at byte {}: {}; it is written "
                               "task.output.key[0].\"other key\"",
                               text_, at_, why),
        .offset = at_};
    return std::nullopt;
  }

  bool parse_task(reference& out) {
    const auto name = leading_name(text_);
    if (!is_name(name)) {
      refuse(name.empty() ? "a task name must come first, a letter or `_` leading"
                          : "the task name is longer than 128 bytes");
      return false;
    }
    out.task = std::string(name);
    at_ = name.size();
    if (!rest().starts_with(output_word)) {
      refuse("`.output` must follow the task name");
      return false;
    }
    at_ += output_word.size();
    return true;
  }

  std::optional<path_step> parse_step() {
    const char first = text_[at_];
    if (first == '[')
      return parse_index();
    if (first != '.')
      return refuse("only `.` and a key or `[` and an index may follow here");
    ++at_;
    if (rest().starts_with('"'))
      return parse_quoted();
    const auto key = leading_name(rest());
    if (key.empty())
      return refuse("a key must follow the dot; other keys than names stand in double quotes");
    at_ += key.size();
    return path_step(std::string(key));
  }

  std::optional<path_step> parse_index() {
    ++at_;
    const auto digits = rest();
    std::uint64_t index = 0;
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), index, 10);
    if (fault == std::errc::result_out_of_range)
      return refuse("the index is too large");
    if (fault != std::errc{})
      return refuse("an index is a decimal number");
    const auto length = static_cast<std::size_t>(end - digits.data());
    if (length > 1 && digits.front() == '0')
      return refuse("an index has no leading zeros");
    at_ += length;
    if (!rest().starts_with(']'))
      return refuse("`]` must close the index");
    ++at_;
    return path_step(index);
  }

  std::optional<path_step> parse_quoted() {
    const auto start = at_++;
    std::string key;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"')
        break;
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\\'))
          return refuse("after a backslash only `\"` or another backslash may follow");
      }
      key += text_[at_];
    }
    if (at_ >= text_.size()) {
      at_ = start;
      return refuse("the quoted key is not closed");
    }
    ++at_;
    if (!is_utf8(key)) {
      at_ = start;
      return refuse("the quoted key is not UTF-8");
    }
    return path_step(std::move(key));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<reference_error> error_;
};

std::string step_text(const path_step& step) {
  if (const auto* key = std::get_if<std::string>(&step))
    return "." + key_text(*key);
  return fmt::format("[{}]", std::get<std::uint64_t>(step));
}

/// What step `position` of `x` meets: the text before it, and where it starts in the whole text.
std::string text_before(const reference& x, std::size_t position) {
  std::string out = x.task + std::string(output_word);
  for (std::size_t i = 0; i < position; ++i)
    out += step_text(x.path[i]);
  return out;
}

tl::unexpected<reference_error> refuse_step(const reference& x, std::size_t position,
                                            reference_fault fault, std::string_view why) {
  const auto before = text_before(x, position);
  return tl::make_unexpected(
      reference_error{.fault = fault,
                      .message = fmt::format("reference `{}`: `{}` {}", to_string(x), before, why),
                      .offset = before.size()});
}

} // namespace

bool looks_like_reference(std::string_view text) noexcept {
  const auto name = leading_name(text);
  if (name.empty())
    return false;
  text.remove_prefix(name.size());
  if (!text.starts_with(output_word))
    return false;
  text.remove_prefix(output_word.size());
  return text.empty() || text.front() == '.' || text.front() == '[';
}

tl::expected<reference, reference_error> parse_reference(std::string_view text) {
  return parser(text).parse();
}

std::string to_string(const reference& x) { return text_before(x, x.path.size()); }

tl::expected<value, reference_error> resolve(const reference& x, const value& output) {
  using enum reference_fault;
  const value* at = &output;
  for (std::size_t i = 0; i < x.path.size(); ++i) {
    if (const auto* key = std::get_if<std::string>(&x.path[i])) {
      const auto* items = at->as<dict>();
      if (!items)
        return refuse_step(x, i, not_a_dictionary,
                           fmt::format("is {}, not a dictionary, so it has no key {}",
                                       type_name(*at), quoted(*key)));
      const auto found = items->find(*key);
      if (found == items->end())
        return refuse_step(x, i, key_missing, fmt::format("has no key {}", quoted(*key)));
      at = &found->second;
      continue;
    }
    const auto index = std::get<std::uint64_t>(x.path[i]);
    const auto* items = at->as<list>();
    if (!items)
      return refuse_step(
          x, i, not_a_sequence,
          fmt::format("is {}, not a list, so it has no element {}", type_name(*at), index));
    if (index >= items->size())
      return refuse_step(
          x, i, index_out_of_range,
          fmt::format("has {} elements, so there is no element {}", items->size(), index));
    at = &(*items)[index];
  }
  if (x.path.empty() && !output.is<dict>())
    return refuse_step(x, 0, not_a_dictionary,
                       fmt::format("is {}, not a dictionary", type_name(output)));
  return *at;
}

reference_error unknown_task(const reference& x) {
  const auto text = to_string(x);
  return {.fault = reference_fault::unknown_task,
          .message =
              fmt::format("reference `{0}`: there is no task `{1}`; where the text itself is "
                          "meant, write {{literal: {2}}}",
                          text, x.task, quoted(text)),
          .offset = 0};
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= name_bytes_max && leading_name(text).size() == text.size();
}

} // namespace maze::core
