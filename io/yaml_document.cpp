#include "maze/io/document_builder.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace maze::io {

namespace {

/// Leaves the parser from within an event: yaml-cpp offers no other way to stop it.
struct parsing_stopped {};

std::size_t offset_of(const YAML::Mark& mark) {
  return static_cast<std::size_t>(std::max(mark.pos, 0));
}

/// The run of characters at `offset` up to white space or flow punctuation.
std::string_view word_at(std::string_view text, std::size_t offset) {
  const auto rest = text.substr(std::min(offset, text.size()));
  return rest.substr(0, rest.find_first_of(" \t\r\n,[]{}"));
}

/// A scalar without the anchor and the tag in front of it.
std::string_view without_properties(std::string_view written) {
  while (!written.empty() && (written[0] == '&' || written[0] == '!')) {
    written.remove_prefix(word_at(written, 0).size());
    written.remove_prefix(std::min(written.find_first_not_of(" \t\r\n"), written.size()));
  }
  return written;
}

/// Whether the source of a scalar begins as quoted text or as a block of text.
bool begins_quoted(std::string_view written) {
  return !written.empty() && std::string_view("\"'|>").find(written[0]) != std::string_view::npos;
}

/// Whether text that begins with a quote has its closing one.
bool closes_quotes(std::string_view written) {
  const char quote = written[0];
  for (std::size_t at = 1; at < written.size(); ++at) {
    if (quote == '"' && written[at] == '\\')
      ++at;
    else if (written[at] == quote) {
      if (quote == '"' || written.substr(at + 1, 1) != "'")
        return true;
      ++at;
    }
  }
  return false;
}

/// Where the list element stands that has nothing behind its dash: yaml-cpp only tells where the next
/// thing after it begins.
std::size_t dash_before(std::string_view text, std::size_t offset) {
  for (auto at = offset; at > 0 && (at = text.rfind('-', at - 1)) != std::string_view::npos;) {
    const auto rest = text.substr(at + 1, text.find('\n', at) - at - 1);
    const auto first = rest.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || rest[first] == '#')
      return at;
  }
  return offset;
}

/// Where the tab lies that indents the line of `offset`, or npos.
std::size_t indenting_tab(const source_text& source, std::size_t offset) {
  const auto line = source.line_of(offset);
  const auto indent = line.substr(0, line.find_first_not_of(" \t"));
  const auto tab = indent.find('\t');
  const auto begin = static_cast<std::size_t>(line.data() - source.text().data());
  return tab == std::string_view::npos || begin + tab > offset ? std::string_view::npos
                                                               : begin + tab;
}

void report_tab(findings& found, std::size_t offset) {
  found.report({codes::tab_indentation, offset, "", "a tab indents this line",
                "indent with spaces: YAML allows no tabs there"});
}

void report_alias(findings& found, std::size_t offset, std::string field) {
  const auto word = word_at(found.source().text(), offset);
  found.report({codes::alias_refused, offset, std::move(field),
                fmt::format("{} is a YAML alias, which is not used here", word),
                fmt::format("for text or a pattern write \"{}\" in quotes; what tasks share goes "
                            "under `defaults`",
                            word)});
}

class yaml_events : public YAML::EventHandler {
public:
  explicit yaml_events(findings& found) : found_(found), builder_(found) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto offset = offset_of(mark);
    check_properties(offset, {}, anchor);
    const auto text = found_.source().text();
    std::string_view word = word_at(text, offset);
    word = word.substr(0, word.find_first_of(':'));
    static constexpr std::array<std::string_view, 4> nulls{"~", "null", "Null", "NULL"};
    if (std::find(nulls.begin(), nulls.end(), word) == nulls.end())
      word = {};
    const bool left_out = word.empty() && builder_.in_list() && flow_depth_ == 0;
    builder_.scalar(left_out ? dash_before(text, offset) : offset, std::string(word), true);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    const auto offset = offset_of(mark);
    report_alias(found_, offset, builder_.field());
    builder_.scalar(offset, std::string(word_at(found_.source().text(), offset)), false);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const auto offset = offset_of(mark);
    check_properties(offset, tag, anchor);
    check_tab(offset);
    const auto written = without_properties(found_.source().text().substr(offset));
    check_quotes(written);
    builder_.scalar(offset, value, tag == "?" || !begins_quoted(written));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    const auto offset = offset_of(mark);
    check_properties(offset, tag, anchor);
    enter(style, builder_.begin_list(offset));
  }
  void OnSequenceEnd() override { leave(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    const auto offset = offset_of(mark);
    check_properties(offset, tag, anchor);
    enter(style, builder_.begin_map(offset));
  }
  void OnMapEnd() override { leave(); }

  [[nodiscard]] std::string field() const { return builder_.field(); }
  /// The tab that was reported last, or npos.
  [[nodiscard]] std::size_t last_tab() const noexcept { return last_tab_; }
  std::optional<document_node> take() { return builder_.take(); }

private:
  void enter(YAML::EmitterStyle::value style, bool entered) {
    if (!entered)
      throw parsing_stopped();
    flow_depth_ += flow_depth_ > 0 || style == YAML::EmitterStyle::Flow ? 1 : 0;
  }

  void leave() {
    builder_.end();
    flow_depth_ -= flow_depth_ > 0 ? 1 : 0;
  }

  /// yaml-cpp lets some tabs pass that the language forbids; inside brackets they are allowed.
  void check_tab(std::size_t offset) {
    if (flow_depth_ > 0)
      return;
    const auto tab = indenting_tab(found_.source(), offset);
    if (tab != std::string_view::npos && tab != last_tab_)
      report_tab(found_, tab);
    last_tab_ = tab;
  }

  /// yaml-cpp takes quotes as closed when the text ends right behind a line end.
  void check_quotes(std::string_view written) {
    if (written.empty() || (written[0] != '"' && written[0] != '\'') || closes_quotes(written))
      return;
    const auto offset = static_cast<std::size_t>(written.data() - found_.source().text().data());
    found_.report({codes::yaml_syntax, offset, builder_.field(),
                   "the text that begins in quotes does not end", "close the quotes"});
    throw parsing_stopped();
  }

  void check_properties(std::size_t offset, const std::string& tag, YAML::anchor_t anchor) {
    const auto word = word_at(found_.source().text(), offset);
    if (anchor != YAML::NullAnchor)
      found_.report({codes::anchor_refused, offset, builder_.field(),
                     fmt::format("{} is a YAML anchor, which is not used here", word),
                     "remove it; what tasks share goes under `defaults`"});
    if (word.starts_with('!') || (!tag.empty() && tag != "?" && tag != "!"))
      found_.report({codes::tag_refused, offset, builder_.field(),
                     fmt::format("{} is a YAML tag, which is not used here", word),
                     "remove it; put text in quotes to keep it text"});
  }

  findings& found_;
  document_builder builder_;
  std::size_t flow_depth_ = 0;
  std::size_t last_tab_ = std::string_view::npos;
};

struct explanation {
  std::string_view of;
  std::string_view message;
  std::string_view remedy;
};

/// yaml-cpp's words, and what they mean to the person who wrote the file.
explanation explain(std::string_view message) {
  static const explanation known[] = {
      {YAML::ErrorMsg::END_OF_MAP, "this does not continue the map above it",
       "give every key of a map the same indentation, and put `: ` behind it"},
      {YAML::ErrorMsg::END_OF_SEQ, "this does not continue the list above it",
       "give every `-` of a list the same indentation"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "a `{` is not closed before this",
       "close it with `}` and put a comma between the entries"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a `[` is not closed before this",
       "close it with `]` and put a comma between the elements"},
      {YAML::ErrorMsg::MAP_VALUE, "a `: ` stands where no key can have a value",
       "put text that holds `: ` in quotes; or mend the indentation here and in the line above"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "the text that begins in quotes does not end",
       "close the quotes"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "no YAML value begins with this character",
       "put the text in quotes"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a `- ` stands where no list can begin",
       "begin the list on a line of its own, or write it as [a, b]"},
      {YAML::ErrorMsg::FLOW_END, "a bracket is closed that was not opened", "remove it"},
  };
  for (const auto& one : known)
    if (message == one.of)
      return one;
  return {message, message, "check indentation, quotes and brackets around here"};
}

void report_syntax(findings& found, const YAML::ParserException& fault, const yaml_events& events) {
  const auto text = found.source().text();
  const auto offset = std::min(offset_of(fault.mark), text.size());
  if (word_at(text, offset).starts_with('*')) {
    report_alias(found, offset, events.field());
    return;
  }
  if (const auto tab = indenting_tab(found.source(), offset); tab != std::string_view::npos) {
    if (tab != events.last_tab())
      report_tab(found, tab);
    return;
  }
  const auto said = explain(fault.msg);
  found.report({codes::yaml_syntax, offset, events.field(), std::string(said.message),
                std::string(said.remedy)});
}

/// Remembers where the first document after the workflow begins.
class second_document : public yaml_events {
public:
  using yaml_events::yaml_events;

  void OnDocumentStart(const YAML::Mark& mark) override { offset = offset_of(mark); }

  std::optional<std::size_t> offset;
};

/// Parses what follows the first document, which should be nothing. A parser that lost its way in the
/// first document also ends it and goes on with the rest as if that were another.
void check_end(findings& found, YAML::Parser& parser) {
  findings ignored(found.source());
  second_document next(ignored);
  try {
    parser.HandleNextDocument(next);
  } catch (const parsing_stopped&) {
  } catch (const YAML::ParserException&) {
    if (!next.offset)
      throw;
  }
  if (!next.offset)
    return;
  if (found.source().text().substr(*next.offset).starts_with("---"))
    found.report({codes::second_document, *next.offset, "", "a second document begins here",
                  "keep one workflow in a file and remove the line `---` between them"});
  else
    found.report({codes::yaml_syntax, *next.offset, "",
                  "the text goes on behind the end of the workflow",
                  "give every key of the workflow the same indentation"});
}

} // namespace

std::optional<document_node> parse_yaml_document(findings& found) {
  std::istringstream stream{std::string(found.source().text())};
  yaml_events events(found);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events))
      return std::nullopt;
    check_end(found, parser);
    return events.take();
  } catch (const parsing_stopped&) {
    return std::nullopt;
  } catch (const YAML::ParserException& fault) {
    report_syntax(found, fault, events);
    return std::nullopt;
  }
}

} // namespace maze::io
