#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/resources.hpp"
#include "sim/dice.hpp"

#include <map>
#include <utility>
#include <vector>

namespace maze::sim {

/// Knows by what the slots of one node said which attempt has which GPU, and that no two ever have one
/// at the same time.
class gpu_oracle {
public:
  /// The attempt starts with these, now or later.
  void granted(core::attempt_id attempt, std::vector<std::uint32_t> gpus) {
    granted_.insert_or_assign(attempt, std::move(gpus));
  }
  void begins(core::attempt_id attempt, const core::resources& needs,
              const core::resources& of_node) {
    const auto& gpus = granted_.at(attempt);
    rule(gpus.size() == needs.gpus, "an attempt is granted the GPUs that it needs");
    for (const std::uint32_t gpu : gpus) {
      rule(gpu < of_node.gpus, "a GPU that is granted is one of the node");
      rule(users_.emplace(gpu, attempt).second, "a GPU is granted to one attempt at a time");
    }
  }
  void left(core::attempt_id attempt) {
    granted_.erase(attempt);
    std::erase_if(users_, [attempt](const auto& entry) { return entry.second == attempt; });
  }

private:
  std::map<core::attempt_id, std::vector<std::uint32_t>> granted_;
  std::map<std::uint32_t, core::attempt_id> users_;
};

} // namespace maze::sim
