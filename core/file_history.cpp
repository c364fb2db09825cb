#include "maze/core/file_history.hpp"

#include "maze/core/file_overlay.hpp"
#include "maze/core/file_renames.hpp"

#include <algorithm>

namespace maze::core {
namespace {

using marks = std::vector<file_history::mark>;

bool by_chain(const file_history::mark& a, const file_history::mark& b) noexcept {
  return a.chain < b.chain;
}

/// Per chain the larger count.
marks united(const marks& a, const marks& b) {
  marks out;
  out.reserve(a.size() + b.size());
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (left->chain == right->chain) {
      out.push_back({left->chain, std::max(left->count, right->count)});
      ++left;
      ++right;
    } else {
      out.push_back(left->chain < right->chain ? *left++ : *right++);
    }
  }
  out.insert(out.end(), left, a.end());
  out.insert(out.end(), right, b.end());
  return out;
}

} // namespace

file_history::file_history(std::shared_ptr<const graph> tasks, conflict_policy conflicts,
                           std::shared_ptr<const file_map> snapshot)
    : tasks_(std::move(tasks)), conflicts_(conflicts), snapshot_(std::move(snapshot)) {}

file_history::horizon file_history::publish(task_id task, const horizon& before,
                                            manifest_delta files) {
  auto after = before ? *before : marks{};
  auto chain = static_cast<std::uint32_t>(chains_.size());
  for (const auto& seen : after)
    if (seen.count == chains_[seen.chain].size()) {
      chain = seen.chain;
      break;
    }
  if (chain == chains_.size())
    chains_.emplace_back();
  const auto index = static_cast<std::uint32_t>(chains_[chain].size());
  chains_[chain].push_back(static_cast<std::uint32_t>(published_.size()));
  after = united(after, {{chain, index + 1}});
  auto shared = std::make_shared<const marks>(std::move(after));
  published_.push_back({task, chain, index, shared, std::move(files)});
  return shared;
}

file_history::joined file_history::join(const std::vector<horizon>& parts) {
  const horizon* widest = nullptr;
  marks all;
  for (const auto& part : parts) {
    if (!part || (widest != nullptr && part == *widest))
      continue;
    all = united(all, *part);
    if (widest == nullptr || all == *part)
      widest = &part;
  }
  if (widest == nullptr)
    return {};
  if (all == **widest)
    return {*widest, false};
  if (!last_joined_ || *last_joined_ != all)
    last_joined_ = std::make_shared<const marks>(std::move(all));
  return {last_joined_, true};
}

result<manifest_delta> file_history::merge(const horizon& seen) const {
  std::vector<std::uint32_t> picked;
  if (seen)
    for (const auto& part : *seen)
      picked.insert(picked.end(), chains_[part.chain].begin(),
                    chains_[part.chain].begin() + part.count);
  std::sort(picked.begin(), picked.end());
  return lay(picked);
}

result<manifest_delta> file_history::merge_all() const {
  std::vector<std::uint32_t> picked(published_.size());
  for (std::uint32_t i = 0; i < picked.size(); ++i)
    picked[i] = i;
  return lay(picked);
}

bool file_history::follows(std::uint32_t later, std::uint32_t earlier) const noexcept {
  const auto& wanted = published_[earlier];
  const auto& seen = *published_[later].after;
  const auto found = std::lower_bound(seen.begin(), seen.end(), mark{wanted.chain, 0}, by_chain);
  return found != seen.end() && found->chain == wanted.chain && found->count > wanted.index;
}

result<manifest_delta> file_history::lay(const std::vector<std::uint32_t>& picked) const {
  using order = file_overlay::order;
  file_overlay layers(*this, conflicts_ == conflict_policy::last_wins ? order::publication
                                                                      : order::ancestry);
  for (const auto number : picked)
    layers.put(number);
  auto plain = layers.flatten();
  return plain || conflicts_ != conflict_policy::rename ? plain : settle_by_name(*this, layers);
}

} // namespace maze::core
