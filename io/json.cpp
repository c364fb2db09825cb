#include "maze/io/json.hpp"

#include "maze/core/utf8.hpp"
#include "maze/io/base64.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace maze::io {

namespace {

using core::errc;

std::string_view as_text(const core::bytes& x) noexcept {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}

class json_writer {
public:
  json_writer(json_style style, const core::value_limits& limits)
      : indented_(style == json_style::indented), limits_(limits) {}

  core::result<std::string> write(const core::value& x) {
    put(x);
    if (fault_)
      return core::fail(std::move(*fault_));
    return std::move(out_);
  }

private:
  void refuse(errc code, std::string message) {
    if (!fault_)
      fault_ = core::error{.code = code, .message = std::move(message)};
  }

  void put(const core::value& x) {
    std::visit([this](const auto& held) { this->put_held(held); }, x.data);
    if (out_.size() > limits_.size_max)
      refuse(errc::limit_exceeded,
             fmt::format("the value takes more than {} bytes as JSON", limits_.size_max));
  }

  void put_held(core::null) { out_ += "null"; }
  void put_held(bool x) { out_ += x ? "true" : "false"; }
  void put_held(std::int64_t x) { out_ += std::to_string(x); }
  void put_held(double x) {
    if (std::isfinite(x))
      out_ += core::real_text(x);
    else
      put_form("$float", [&] { put_text(core::real_text(x)); });
  }
  void put_held(const std::string& x) { put_text(x); }
  void put_held(const core::bytes& x) {
    put_form("$bytes", [&] { put_text(to_base64(as_text(x))); });
  }
  void put_held(const core::list& xs) {
    if (!enter('['))
      return;
    for (const auto& x : xs) {
      begin_element();
      put(x);
      if (fault_)
        return;
    }
    leave(']', xs.empty());
  }
  void put_held(const core::dict& xs) {
    if (!enter('{'))
      return;
    const bool looks_like_form = xs.size() == 1 && xs.begin()->first.starts_with('$');
    for (const auto& [key, x] : xs) {
      begin_element();
      put_text(looks_like_form ? "$" + key : key);
      out_ += indented_ ? ": " : ":";
      put(x);
      if (fault_)
        return;
    }
    leave('}', xs.empty());
  }
  void put_held(const core::blob_ref& x) {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    put_form("$blob", [&] {
      out_ += fmt::format("{{\"hash\":\"{}\",\"size\":", to_string(x.hash));
      out_ += x.size <= largest ? fmt::format("{}", x.size) : fmt::format("\"{}\"", x.size);
      out_ += ",\"type\":";
      put_text(x.type);
      out_ += '}';
    });
  }
  void put_held(const core::object_ref& x) {
    put_form("$object", [&] { put_text(to_string(core::digest{x.high, x.low})); });
  }

  /// `{"<name>":…}`: what JSON itself has no words for.
  void put_form(std::string_view name, const auto& content) {
    out_ += fmt::format("{{\"{}\":{}", name, indented_ ? " " : "");
    content();
    out_ += '}';
  }

  bool enter(char bracket) {
    if (depth_ >= limits_.depth_max) {
      refuse(errc::limit_exceeded,
             fmt::format("the value is nested deeper than {} levels", limits_.depth_max));
      return false;
    }
    ++depth_;
    out_ += bracket;
    return true;
  }

  void begin_element() {
    if (out_.back() != '[' && out_.back() != '{')
      out_ += ',';
    break_line();
  }

  void leave(char bracket, bool empty) {
    --depth_;
    if (!empty)
      break_line();
    out_ += bracket;
  }

  void break_line() {
    if (!indented_)
      return;
    out_ += '\n';
    out_.append(std::size_t{2} * depth_, ' ');
  }

  void put_text(std::string_view x) {
    if (!core::is_utf8(x))
      return refuse(errc::malformed,
                    fmt::format("text of {} bytes is not UTF-8; give it as bytes", x.size()));
    out_ += '"';
    for (const char c : x)
      put_character(c);
    out_ += '"';
  }

  void put_character(char c) {
    switch (c) {
    case '"':
      out_ += "\\\"";
      break;
    case '\\':
      out_ += "\\\\";
      break;
    case '\n':
      out_ += "\\n";
      break;
    case '\t':
      out_ += "\\t";
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20)
        out_ += fmt::format("\\u{:04x}", c);
      else
        out_ += c;
    }
  }

  bool indented_;
  core::value_limits limits_;
  std::string out_;
  std::uint32_t depth_ = 0;
  std::optional<core::error> fault_;
};

/// The bytes that the text means, whether or not it is the one text for them.
std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '\\') {
      out += text.front();
      text.remove_prefix(1);
    } else if (text.starts_with("\\\\")) {
      out += '\\';
      text.remove_prefix(2);
    } else if (text.starts_with("\\x") && text.size() >= 4) {
      std::uint8_t byte = 0;
      const auto* const end = text.data() + 4;
      const auto [stop, fault] = std::from_chars(text.data() + 2, end, byte, 16);
      if (fault != std::errc{} || stop != end)
        return std::nullopt;
      out += static_cast<char>(byte);
      text.remove_prefix(4);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

} // namespace

core::result<std::string> to_json(const core::value& x, json_style style,
                                  const core::value_limits& limits) {
  return json_writer(style, limits).write(x);
}

std::string file_name_to_text(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto length = core::first_character(name).length;
    if (length == 0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(name.front()));
    else if (name.front() == '\\')
      out += "\\\\";
    else
      out += name.substr(0, length);
    name.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::optional<std::string> file_name_from_text(std::string_view text) {
  auto name = unescape(text);
  if (!name || file_name_to_text(*name) != text)
    return std::nullopt;
  return name;
}

} // namespace maze::io
