#include "maze/core/utf8.hpp"
#include "maze/io/base64.hpp"
#include "maze/io/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace maze::io {

namespace {

using core::errc;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

struct position {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// Line and column, from 1, of the character at byte `offset`.
position locate(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  position out;
  out.line += static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const auto start = before.rfind('\n');
  for (const char c : before.substr(start == std::string_view::npos ? 0 : start + 1))
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      ++out.column;
  return out;
}

/// `parse error at line 1, column 2: …` without what `locate` says better.
std::string_view without_position(std::string_view what) {
  const auto column = what.find("column ");
  const auto colon = column == std::string_view::npos ? column : what.find(": ", column);
  if (colon != std::string_view::npos)
    return what.substr(colon + 2);
  const auto bracket = what.find("] ");
  return bracket == std::string_view::npos ? what : what.substr(bracket + 2);
}

// --- the forms that JSON itself has no words for ---------------------------------------------------

using converted = tl::expected<core::value, std::string>;

converted wrong_form(std::string_view name, std::string_view takes) {
  return tl::make_unexpected(fmt::format("`{}` takes {}", name, takes));
}

converted to_float(const core::value& x) {
  const auto* text = x.as<std::string>();
  using limits = std::numeric_limits<double>;
  if (text && *text == "NaN")
    return limits::quiet_NaN();
  if (text && *text == "Infinity")
    return limits::infinity();
  if (text && *text == "-Infinity")
    return -limits::infinity();
  return wrong_form("$float", "\"NaN\", \"Infinity\" or \"-Infinity\"");
}

converted to_bytes(const core::value& x) {
  const auto* text = x.as<std::string>();
  const auto raw = text ? from_base64(*text) : std::nullopt;
  if (!raw)
    return wrong_form("$bytes", "base 64 with padding (RFC 4648, section 4)");
  core::bytes out(raw->size());
  std::transform(raw->begin(), raw->end(), out.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return out;
}

std::optional<core::digest> to_digest(const core::value* x) {
  const auto* text = x ? x->as<std::string>() : nullptr;
  return text ? core::digest_from_string(*text) : std::nullopt;
}

/// A number that is not negative; as text where it is beyond what an int holds.
std::optional<std::uint64_t> to_size(const core::value* x) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (const auto* number = x ? x->as<std::int64_t>() : nullptr; number && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  const auto* text = x ? x->as<std::string>() : nullptr;
  if (!text)
    return std::nullopt;
  std::uint64_t out = 0;
  const auto* const end = text->data() + text->size();
  const auto [stop, fault] = std::from_chars(text->data(), end, out);
  if (fault != std::errc{} || stop != end || out <= largest)
    return std::nullopt;
  return out;
}

converted to_blob(const core::value& x) {
  const auto* fields = x.as<core::dict>();
  const auto field = [fields](std::string_view name) -> const core::value* {
    const auto found = fields ? fields->find(name) : core::dict::const_iterator{};
    return fields && found != fields->end() ? &found->second : nullptr;
  };
  const auto hash = to_digest(field("hash"));
  const auto size = to_size(field("size"));
  const auto* type = field("type") ? field("type")->as<std::string>() : nullptr;
  if (!hash || !size || !type || fields->size() != 3)
    return wrong_form("$blob", "hash (32 hexadecimal digits), size (bytes) and type (text)");
  return core::blob_ref{*hash, *size, *type};
}

converted to_object(const core::value& x) {
  const auto id = to_digest(&x);
  if (!id)
    return wrong_form("$object", "32 hexadecimal digits");
  return core::object_ref{id->high, id->low};
}

bool looks_like_form(const core::dict& members) {
  return members.size() == 1 && members.begin()->first.starts_with('$');
}

/// What an object with the one member `name` means.
converted convert_form(const std::string& name, const core::value& content) {
  if (name == "$float")
    return to_float(content);
  if (name == "$bytes")
    return to_bytes(content);
  if (name == "$blob")
    return to_blob(content);
  if (name == "$object")
    return to_object(content);
  if (name.starts_with("$$"))
    return core::dict{{name.substr(1), content}};
  return tl::make_unexpected(fmt::format(
      "there is no form `{0}`; a dictionary with this one key is written {{\"${0}\": …}}", name));
}

// --- reading ---------------------------------------------------------------------------------------

/// Builds a value from the events of the JSON parser, and follows them in the text, as the parser
/// does not say where a token stands.
class json_handler : public nlohmann::json_sax<nlohmann::json> {
public:
  json_handler(std::string_view text, const core::value_limits& limits)
      : text_(text), limits_(limits), at_(text.starts_with(byte_order_mark) ? 3 : 0) {}

  core::result<core::value> finish() {
    if (fault_)
      return core::fail(std::move(*fault_));
    return std::move(root_);
  }

  bool null() override { return add(nullptr, take_word()); }
  bool boolean(bool x) override { return add(x, take_word()); }
  bool number_integer(std::int64_t x) override { return add(x, take_word()); }
  bool number_unsigned(std::uint64_t x) override {
    const auto start = take_word();
    if (x > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return refuse_integer(start);
    return add(static_cast<std::int64_t>(x), start);
  }
  bool number_float(double x, const std::string& digits) override {
    const auto start = take_word();
    if (digits.find_first_of(".eE") == std::string::npos)
      return refuse_integer(start);
    return add(x, start);
  }
  bool string(std::string& x) override { return add(std::move(x), take_string()); }
  bool binary(nlohmann::json::binary_t&) override {
    return refuse(at_, "JSON text has no binary values");
  }

  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }

  bool key(std::string& x) override {
    const auto start = take_string();
    auto& frame = open_.back();
    if (frame.members.contains(x))
      return refuse(start, fmt::format("the key \"{}\" stands twice in one object", x));
    frame.key = std::move(x);
    return true;
  }

  bool end_array() override {
    take_bracket();
    auto frame = close();
    return add(std::move(frame.items), frame.start, frame.height + 1);
  }

  bool end_object() override {
    take_bracket();
    auto frame = close();
    if (!looks_like_form(frame.members))
      return add(std::move(frame.members), frame.start, frame.height + 1);
    const auto& [name, content] = *frame.members.begin();
    auto made = convert_form(name, content);
    if (!made)
      return refuse(frame.start, made.error());
    const bool nests = made->is<core::dict>();
    return add(std::move(*made), frame.start, nests ? frame.height + 1 : 0);
  }

  bool parse_error(std::size_t read, const std::string&,
                   const nlohmann::detail::exception& what) override {
    const auto why = without_position(what.what());
    // The parser quotes what it read, which may be no UTF-8.
    return refuse(read == 0 ? 0 : read - 1,
                  core::is_utf8(why) ? std::string(why) : file_name_to_text(why));
  }

private:
  /// An object or array that is not closed yet.
  struct open_frame {
    bool is_object = false;
    std::size_t start = 0;
    core::dict members;
    core::list items;
    std::string key;
    /// Levels of the deepest value inside.
    std::uint32_t height = 0;
  };

  bool refuse(std::size_t offset, std::string_view why, errc code = errc::malformed) {
    const auto [line, column] = locate(text_, offset);
    if (!fault_)
      fault_ = core::error{
          .code = code, .message = fmt::format("JSON, line {}, column {}: {}", line, column, why)};
    return false;
  }

  bool refuse_integer(std::size_t start) {
    return refuse(start, "an integer that does not fit into 64 bits with a sign; write it as text, "
                         "or with `.0` where an approximation will do");
  }

  bool refuse_depth(std::size_t start) {
    return refuse(start, fmt::format("nested deeper than {} levels", limits_.depth_max),
                  errc::limit_exceeded);
  }

  bool add(core::value x, std::size_t start, std::uint32_t height = 0) {
    if (open_.empty()) {
      if (height > limits_.depth_max)
        return refuse_depth(start);
      root_ = std::move(x);
      return true;
    }
    auto& frame = open_.back();
    frame.height = std::max(frame.height, height);
    if (frame.is_object)
      frame.members.insert_or_assign(std::move(frame.key), std::move(x));
    else
      frame.items.push_back(std::move(x));
    return true;
  }

  bool open(bool is_object) {
    const auto start = take_bracket();
    // The innermost value may be a form, which takes up to two levels of JSON of its own.
    if (open_.size() >= std::size_t{2} + limits_.depth_max)
      return refuse_depth(start);
    open_.push_back({.is_object = is_object, .start = start});
    return true;
  }

  open_frame close() {
    auto frame = std::move(open_.back());
    open_.pop_back();
    return frame;
  }

  std::size_t skip_to_token() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n,:", at_), text_.size());
    return at_;
  }
  std::size_t take_bracket() {
    const auto start = skip_to_token();
    at_ = start + 1;
    return start;
  }
  std::size_t take_word() {
    const auto start = skip_to_token();
    at_ = std::min(text_.find_first_of(" \t\r\n,:]}", at_), text_.size());
    return start;
  }
  std::size_t take_string() {
    const auto start = skip_to_token();
    for (at_ = start + 1; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\')
        ++at_;
    ++at_;
    return start;
  }

  std::string_view text_;
  core::value_limits limits_;
  std::size_t at_;
  std::vector<open_frame> open_;
  core::value root_;
  std::optional<core::error> fault_;
};

} // namespace

core::result<core::value> parse_json(std::string_view text, const core::value_limits& limits) {
  if (text.size() > limits.size_max)
    return core::fail(errc::limit_exceeded,
                      fmt::format("JSON text of {} bytes is longer than the {} that are allowed",
                                  text.size(), limits.size_max));
  json_handler handler(text, limits);
  nlohmann::json::sax_parse(text.begin(), text.end(), &handler);
  return handler.finish();
}

} // namespace maze::io
