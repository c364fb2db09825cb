#include "maze/io/sync_reader.hpp"

#include "maze/core/ignore_rules.hpp"
#include "maze/io/workflow_codes.hpp"

#include <array>

namespace maze::io {

namespace {

std::vector<std::string> read_patterns(const node_reader& read, const document_node& node,
                                       const field_path& field) {
  std::vector<std::string> out;
  const auto* items = read.list(node, field);
  if (items == nullptr)
    return out;
  for (std::size_t i = 0; i < items->size(); ++i) {
    auto pattern = read.text((*items)[i], field[i]);
    if (!pattern)
      continue;
    if (auto sound = core::check_ignore_pattern(*pattern); !sound)
      read.report(codes::bad_pattern, (*items)[i].offset, field[i],
                  std::move(sound.error().message),
                  "write a line of a .gitignore file, such as \"*.o\", \"/build/\" or \"!keep.o\"");
    else
      out.push_back(*std::move(pattern));
  }
  return out;
}

void read_verify(const node_reader& read, const document_node& node, const field_path& field,
                 core::file_rules& out) {
  static constexpr std::array<std::string_view, 2> words{"xxh3", "sha256"};
  if (const auto chosen = read.choice(node, field, words, "the hashes are"))
    out.sha256 = *chosen == 1;
}

/// What a key of `sync` says, and how it is read.
struct sync_key {
  std::string_view name;
  void (*read)(const node_reader&, const document_node&, const field_path&, core::file_rules&);
};

constexpr auto sync_keys = std::to_array<sync_key>({
    {"ignore", [](const node_reader& read, const document_node& node, const field_path& field,
                  core::file_rules& out) { out.ignore = read_patterns(read, node, field); }},
    {"include", [](const node_reader& read, const document_node& node, const field_path& field,
                   core::file_rules& out) { out.include = read_patterns(read, node, field); }},
    {"verify", read_verify},
});

} // namespace

void read_conflicts(const node_reader& read, const document_node& node, const field_path& field,
                    core::file_rules& out) {
  using core::conflict_policy;
  static constexpr std::array<std::string_view, 3> words{"fail", "last_wins", "rename"};
  static constexpr std::array policies{conflict_policy::fail, conflict_policy::last_wins,
                                       conflict_policy::rename};
  if (const auto chosen = read.choice(node, field, words, "the policies are"))
    out.conflicts = policies.at(*chosen);
}

void read_sync(const node_reader& read, const document_node& node, const field_path& field,
               core::file_rules& out) {
  const auto* members = read.map(node, field);
  if (members == nullptr)
    return;
  read.check_keys(node, workflow_section::sync, field);
  for (const auto& key : sync_keys)
    if (const auto* member = find_member(*members, key.name))
      key.read(read, member->value, field / key.name, out);
}

} // namespace maze::io
