#include "maze/io/document_builder.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace maze::io {

namespace {

/// nlohmann's events carry no places. They come in the order of the tokens, so this cursor walks the
/// same text and finds each token again; the library has checked the syntax by then.
class token_cursor {
public:
  explicit token_cursor(std::string_view text) : text_(text) {}

  /// The text of the next key, value, `{` or `[`.
  std::string_view next() {
    const auto begin = std::min(text_.find_first_not_of(" \t\r\n,:]}", at_), text_.size());
    at_ = begin;
    if (at_ == text_.size())
      return text_.substr(at_);
    if (text_[at_] == '"')
      skip_string();
    else if (text_[at_] == '{' || text_[at_] == '[')
      ++at_;
    else
      at_ = std::min(text_.find_first_of(" \t\r\n,:]}", at_), text_.size());
    return text_.substr(begin, at_ - begin);
  }

private:
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\')
        ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class json_events : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit json_events(findings& found)
      : found_(found), builder_(found), tokens_(found.source().text()) {}

  bool null() override { return plain(); }
  bool boolean(bool) override { return plain(); }
  bool number_integer(number_integer_t) override { return plain(); }
  bool number_unsigned(number_unsigned_t) override { return plain(); }
  bool number_float(number_float_t, const string_t&) override { return plain(); }
  bool string(string_t& text) override { return quoted(text); }
  bool key(string_t& text) override { return quoted(text); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return builder_.begin_map(offset_of(tokens_.next())); }
  bool start_array(std::size_t) override { return builder_.begin_list(offset_of(tokens_.next())); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& fault) override {
    constexpr int number_overflow = 406;
    const auto last = position == 0 ? 0 : position - 1;
    if (fault.id == number_overflow) {
      found_.report({codes::number_out_of_range, offset_of(tokens_.next()), builder_.field(),
                     fmt::format("the number {} is beyond the range of a double", token),
                     fmt::format("write a smaller number, or \"{}\" in quotes for text", token)});
      return false;
    }
    found_.report({codes::json_syntax, std::min(last, found_.source().text().size()),
                   builder_.field(), sentence(fault.what()),
                   "JSON has no comments and no comma behind the last entry; text and keys stand "
                   "in double quotes"});
    return false;
  }

  std::optional<document_node> take() { return builder_.take(); }

private:
  /// The library's message without its own prefix and place, which the diagnostic gives.
  static std::string sentence(std::string_view what) {
    const auto colon = what.find(": ");
    return std::string(colon == std::string_view::npos ? what : what.substr(colon + 2));
  }

  std::size_t offset_of(std::string_view token) const {
    return static_cast<std::size_t>(token.data() - found_.source().text().data());
  }

  bool plain() {
    const auto token = tokens_.next();
    builder_.scalar(offset_of(token), std::string(token), true);
    return true;
  }

  bool quoted(std::string& text) {
    builder_.scalar(offset_of(tokens_.next()), std::move(text), false);
    return true;
  }

  bool end() {
    builder_.end();
    return true;
  }

  findings& found_;
  document_builder builder_;
  token_cursor tokens_;
};

} // namespace

std::optional<document_node> parse_json_document(findings& found) {
  if (found.source().text().find_first_not_of(" \t\r\n") == std::string_view::npos)
    return std::nullopt;
  json_events events(found);
  if (!nlohmann::json::sax_parse(found.source().text(), &events))
    return std::nullopt;
  return events.take();
}

} // namespace maze::io
