#include "maze/io/document_builder.hpp"

#include "maze/io/workflow_codes.hpp"

#include <fmt/format.h>

namespace maze::io {

bool document_builder::begin_list(std::size_t offset) {
  return begin({static_cast<std::uint32_t>(offset), false, document_node::list{}});
}

bool document_builder::begin_map(std::size_t offset) {
  return begin({static_cast<std::uint32_t>(offset), false, document_node::map{}});
}

bool document_builder::begin(document_node node) {
  if (levels_.size() >= document_depth_max) {
    found_.report({codes::nesting_too_deep, node.offset, field(),
                   fmt::format("lists and maps lie more than {} deep", document_depth_max),
                   "flatten the structure, or keep the data in a file of its own"});
    return false;
  }
  levels_.push_back({.node = std::move(node)});
  return true;
}

void document_builder::end() {
  auto done = std::move(levels_.back().node);
  levels_.pop_back();
  add(std::move(done));
}

void document_builder::scalar(std::size_t offset, std::string text, bool plain) {
  const bool left_out = plain && text.empty() && !levels_.empty() && levels_.back().has_key;
  add({static_cast<std::uint32_t>(left_out ? levels_.back().key_offset : offset), plain,
       std::move(text)});
}

bool document_builder::in_list() const noexcept {
  return !levels_.empty() && levels_.back().node.as_list() != nullptr;
}

bool document_builder::at_key() const noexcept {
  return !levels_.empty() && levels_.back().node.as_map() != nullptr && !levels_.back().has_key;
}

void document_builder::add(document_node node) {
  if (levels_.empty()) {
    root_ = std::move(node);
    return;
  }
  if (at_key()) {
    add_key(node);
    return;
  }
  auto& inner = levels_.back();
  if (auto* items = std::get_if<document_node::list>(&inner.node.content)) {
    items->push_back(std::move(node));
    return;
  }
  inner.has_key = false;
  if (!inner.drop_value)
    std::get<document_node::map>(inner.node.content)
        .push_back(
            {static_cast<std::uint32_t>(inner.key_offset), std::move(inner.key), std::move(node)});
}

void document_builder::add_key(const document_node& node) {
  const auto* text = node.as_scalar();
  const bool usable = text != nullptr && !node.is_absent();
  if (!usable)
    found_.report({codes::key_not_text, node.offset, field(),
                   fmt::format("a key must be text, this one is {}", describe(node)),
                   "write a word before the colon"});
  auto& inner = levels_.back();
  inner.has_key = true;
  inner.drop_value = !usable;
  inner.key = usable ? *text : "?";
  inner.key_offset = node.offset;
  if (!usable)
    return;
  const auto [entry, fresh] = inner.key_offsets.try_emplace(*text, node.offset);
  if (node.plain && *text == "<<") {
    inner.drop_value = true;
    found_.report({codes::merge_key_refused, node.offset, field(), "merge keys are not used here",
                   "put what tasks share under `defaults`, or write the keys out"});
  } else if (!fresh) {
    inner.drop_value = true;
    found_.report({codes::duplicate_key, node.offset, field(),
                   fmt::format("the key {} stands here for the second time, first in line {}",
                               *text, found_.source().locate(entry->second).line),
                   "keep one of the two"});
  }
}

std::string document_builder::field() const {
  std::vector<field_path> chain(1);
  chain.reserve(levels_.size() + 1);
  for (const auto& outer : levels_) {
    if (const auto* items = outer.node.as_list())
      chain.push_back(chain.back()[items->size()]);
    else if (outer.has_key)
      chain.push_back(chain.back() / outer.key);
  }
  return chain.back().text();
}

} // namespace maze::io
