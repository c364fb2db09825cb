#include "maze/core/reclaim_plan.hpp"

namespace maze::core {

void reclaim_plan::suspect(const std::vector<digest>& blobs) {
  for (const digest& blob : blobs)
    suspects_[blob] = false;
}

void reclaim_plan::suspect_past() {
  for (const digest& blob : past_)
    suspects_.try_emplace(blob, false);
  past_.clear();
}

std::shared_ptr<const digest_set> reclaim_plan::begin(instant now) {
  if (suspects_.empty())
    return nullptr;
  began_ = now;
  asked_.clear();
  asked_.reserve(suspects_.size());
  for (const auto& [blob, gone] : suspects_)
    asked_.insert(blob);
  return std::make_shared<const digest_set>(asked_);
}

void reclaim_plan::needed(const std::vector<digest>& blobs) {
  for (const digest& blob : blobs) {
    asked_.erase(blob);
    // Its run brings it up again when that is forgotten.
    suspects_.erase(blob);
  }
}

std::vector<digest> reclaim_plan::decide(instant now) const {
  if (now - began_ >= options_.claim / 2)
    return {};
  return {asked_.begin(), asked_.end()};
}

void reclaim_plan::end(const std::vector<digest>& decided, const std::vector<digest>& claimed) {
  const digest_set spared(claimed.begin(), claimed.end());
  for (const digest& blob : decided) {
    const auto known = suspects_.find(blob);
    if (known == suspects_.end() || spared.count(blob) > 0)
      continue;
    if (!known->second) {
      known->second = true;
      continue;
    }
    if (past_.size() >= options_.past_max)
      past_.clear();
    past_.insert(blob);
    suspects_.erase(known);
  }
  asked_.clear();
}

} // namespace maze::core
