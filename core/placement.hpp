#pragma once

#include "maze/core/error.hpp"
#include "maze/core/ids.hpp"
#include "maze/core/node_labels.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/sandbox_spec.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace maze::core {

/// What a node must have for a task, each by its name.
enum class hard_constraint : std::uint8_t { cores = 1, memory = 2, gpus = 3 };

std::string_view to_string(hard_constraint x) noexcept;
/// The first constraint that `has` does not meet; nothing where the task fits.
std::optional<hard_constraint> violated(const resources& has, const resources& needs) noexcept;

/// A node where a task fits.
struct candidate {
  node_id node;
  std::uint32_t active = 0;
  /// Bytes of the attempt's files that lie there already.
  std::uint64_t local_bytes = 0;
};

/// Whether `a` is the better place: fewest active attempts, then most local bytes, then lowest id.
bool is_better(const candidate& a, const candidate& b) noexcept;

/// Why no node can ever run a task: `largest` is the most of each kind that any node has.
error unplaceable(const resources& needs, const resources& largest);
/// The same of a sandbox: `missing` is what of it no node offers.
error unplaceable(const sandbox_offer& missing);
/// The same of labels: no node has any of `missing`, which are one or more; `draining`: but one that gets no new tasks.
error unplaceable(const node_labels& missing, bool draining);
/// The same where each part is there, and never all at once.
error unplaceable(const resources& needs, const sandbox_offer& sandbox, const node_labels& labels);

} // namespace maze::core
