#pragma once

#include "maze/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace maze::core {

/// What distinguishes a node beside its resources, `disk: ssd`, `site: left`; or what a task asks of its node.
using node_labels = std::map<std::string, std::string>;

constexpr std::size_t node_labels_max = 64;
/// Of a label's name and of its text, each.
constexpr std::size_t label_bytes_max = 256;
/// The label that every node has besides: its name.
constexpr std::string_view name_label = "node";

/// Whether there are at most `node_labels_max`, each with a name and a text that are not too long. Fails with
/// `invalid_argument`; its message begins with `whose`.
result<void> check_labels(std::string_view whose, const node_labels& labels);

/// All that tasks can ask for of a node: its own labels, and its name.
node_labels with_name(node_labels labels, std::string_view name);

/// Whether all labels of `asked` are among those of `has`.
bool has_labels(const node_labels& has, const node_labels& asked) noexcept;

/// Bits for labels, of which several may share one: labels that are among others have no bit that those lack, and mostly not
/// the other way round.
std::uint64_t label_bits(const node_labels& labels) noexcept;

/// `disk=ssd, site=left`.
std::string to_string(const node_labels& labels);

} // namespace maze::core
