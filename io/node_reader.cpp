#include "maze/io/node_reader.hpp"

#include "maze/core/reference.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/plain_scalar.hpp"
#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::io {

const document_member* find_member(const document_node::map& map, std::string_view key) noexcept {
  const auto found =
      std::find_if(map.begin(), map.end(), [&](const document_member& x) { return x.key == key; });
  return found == map.end() ? nullptr : &*found;
}

const document_node* only_member(const document_node& node, std::string_view key) noexcept {
  const auto* map = node.as_map();
  return map != nullptr && map->size() == 1 && map->front().key == key ? &map->front().value
                                                                       : nullptr;
}

const document_node::map* node_reader::map(const document_node& node,
                                           const field_path& field) const {
  if (node.as_map() == nullptr)
    report(codes::expected_map, node.offset, field,
           fmt::format("a map belongs here, not {}", describe(node)),
           "write `key: value` lines, or {key: value}");
  return node.as_map();
}

namespace {

/// What to write instead of something that is no list.
std::string list_of_one(const document_node& node) {
  constexpr std::size_t bytes_max = 60;
  constexpr std::string_view lines = "or one `- a` line for each element";
  const auto* text = node.as_scalar();
  if (text == nullptr || node.is_absent() || text->size() > bytes_max
      || text->find_first_of("\n\"\\") != std::string::npos)
    return fmt::format("write [a, b], {}", lines);
  const std::string_view quote = node.plain ? "" : "\"";
  return fmt::format("write [{0}{1}{0}], {2}", quote, *text, lines);
}

} // namespace

const document_node::list* node_reader::list(const document_node& node,
                                             const field_path& field) const {
  if (node.as_list() == nullptr)
    report(codes::expected_list, node.offset, field,
           fmt::format("a list belongs here, not {}", describe(node)), list_of_one(node));
  return node.as_list();
}

std::optional<core::value> node_reader::scalar(const document_node& node,
                                               const field_path& field) const {
  const auto& written = *node.as_scalar();
  if (!node.plain)
    return core::value(written);
  auto meaning = read_plain_scalar(written);
  if (meaning)
    return *std::move(meaning);
  report(meaning.error().code, node.offset, field, std::move(meaning.error().message),
         std::move(meaning.error().remedy));
  return std::nullopt;
}

std::optional<std::string> node_reader::text(const document_node& node,
                                             const field_path& field) const {
  if (node.as_scalar() == nullptr) {
    report(codes::expected_text, node.offset, field,
           fmt::format("text belongs here, not {}", describe(node)), "write one text");
    return std::nullopt;
  }
  const auto meaning = scalar(node, field);
  if (!meaning)
    return std::nullopt;
  if (!meaning->is<std::string>()) {
    report(codes::expected_text, node.offset, field,
           fmt::format("text belongs here, not {}", describe(node)),
           node.is_absent() ? "write the text behind the colon"
                            : fmt::format("write \"{}\" in quotes for text", *node.as_scalar()));
    return std::nullopt;
  }
  if (!check_nul(*node.as_scalar(), node, field))
    return std::nullopt;
  return *node.as_scalar();
}

bool node_reader::check_nul(const std::string& text, const document_node& node,
                            const field_path& field) const {
  if (text.find('\0') == std::string::npos)
    return true;
  report(codes::nul_in_text, node.offset, field, "the text holds a NUL character",
         "remove it: paths, arguments and variables end at a NUL");
  return false;
}

std::vector<std::string> node_reader::texts(const document_node& node,
                                            const field_path& field) const {
  std::vector<std::string> out;
  const auto* items = list(node, field);
  if (items == nullptr)
    return out;
  for (std::size_t i = 0; i < items->size(); ++i)
    if (auto one = text((*items)[i], field[i]))
      out.push_back(*std::move(one));
  return out;
}

std::optional<std::size_t> node_reader::choice(const document_node& node, const field_path& field,
                                               std::span<const std::string_view> words,
                                               std::string_view intro) const {
  const auto word = text(node, field);
  if (!word)
    return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *word);
  if (found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  report(codes::unknown_choice, node.offset, field,
         fmt::format("\"{}\" is none of the words that may stand here", *word),
         core::did_you_mean(*word, words, intro));
  return std::nullopt;
}

std::optional<double> node_reader::number(const document_node& node,
                                          const field_path& field) const {
  const auto meaning = node.as_scalar() == nullptr ? core::value() : scalar(node, field);
  if (!meaning)
    return std::nullopt;
  if (const auto* whole = meaning->as<std::int64_t>())
    return static_cast<double>(*whole);
  if (const auto* fractional = meaning->as<double>())
    return *fractional;
  report(codes::expected_number, node.offset, field,
         fmt::format("a number belongs here, not {}", describe(node)),
         "write a number without quotes, for example 2 or 0.5");
  return std::nullopt;
}

std::optional<std::int64_t> node_reader::integer(const document_node& node, const field_path& field,
                                                 integer_bounds bounds) const {
  const auto meaning = node.as_scalar() == nullptr ? core::value() : scalar(node, field);
  if (!meaning)
    return std::nullopt;
  const auto* whole = meaning->as<std::int64_t>();
  if (whole == nullptr) {
    report(codes::expected_integer, node.offset, field,
           fmt::format("a whole number belongs here, not {}", describe(node)),
           fmt::format("write a whole number from {} to {}, without quotes", bounds.least,
                       bounds.most));
    return std::nullopt;
  }
  if (*whole < bounds.least || *whole > bounds.most) {
    report(codes::out_of_range, node.offset, field,
           fmt::format("{} is not between {} and {}", *whole, bounds.least, bounds.most),
           fmt::format("write a whole number from {} to {}", bounds.least, bounds.most));
    return std::nullopt;
  }
  return *whole;
}

std::optional<core::value> node_reader::value(const document_node& node,
                                              const field_path& field) const {
  if (const auto* items = node.as_list()) {
    core::list out;
    bool sound = true;
    for (std::size_t i = 0; i < items->size(); ++i) {
      auto one = value((*items)[i], field[i]);
      sound = sound && one.has_value();
      if (sound)
        out.push_back(*std::move(one));
    }
    return sound ? std::optional<core::value>(std::move(out)) : std::nullopt;
  }
  if (const auto* members = node.as_map()) {
    core::dict out;
    bool sound = true;
    for (const auto& member : *members) {
      auto one = value(member.value, field / member.key);
      sound = sound && one.has_value();
      if (sound)
        out.emplace(member.key, *std::move(one));
    }
    return sound ? std::optional<core::value>(std::move(out)) : std::nullopt;
  }
  return scalar(node, field);
}

std::vector<std::string_view> node_reader::check_keys(const document_node& node,
                                                      workflow_section section,
                                                      const field_path& field) const {
  const auto& members = *node.as_map();
  std::vector<std::string_view> meant;
  for (const auto& member : members) {
    if (find_key(section, member.key) == nullptr) {
      report(codes::unknown_key, member.key_offset, field / member.key,
             fmt::format("{} has no key {}", section_name(section), member.key),
             key_remedy(section, member.key));
      if (const auto near = meant_key(section, member.key))
        meant.push_back(*near);
    }
  }
  for (const auto& key : known_keys(section))
    if (key.required && find_member(members, key.name) == nullptr
        && std::find(meant.begin(), meant.end(), key.name) == meant.end())
      report(codes::missing_key, node.offset, field / key.name,
             fmt::format("{} needs the key {}", section_name(section), key.name),
             fmt::format("add `{}`", key.example));
  return meant;
}

bool node_reader::check_name(std::string_view name, std::size_t offset, const field_path& field,
                             std::string_view what) const {
  if (core::is_name(name))
    return true;
  report(codes::bad_name, offset, field, fmt::format("\"{}\" cannot name {}", name, what),
         "use letters, digits, `_` and `-`, beginning with a letter or `_`, at most 128 bytes");
  return false;
}

std::size_t node_reader::offset_inside(const document_node& node, std::size_t inside) const {
  const auto source = found_.source().text();
  const auto begin = node.offset + (node.plain ? std::size_t{0} : std::size_t{1});
  const auto read = std::string_view(*node.as_scalar()).substr(0, inside);
  const bool verbatim = begin <= source.size() && source.substr(begin).starts_with(read);
  return inside > 0 && verbatim ? begin + read.size() : node.offset;
}

} // namespace maze::io
