#include "maze/core/call_results.hpp"

#include "maze/core/ensure.hpp"

#include <utility>

namespace maze::core {

std::uint32_t call_results::fresh() {
  if (free_.empty()) {
    blocks_.emplace_back();
    return static_cast<std::uint32_t>(blocks_.size() - 1);
  }
  const auto out = free_.back();
  free_.pop_back();
  return out;
}

std::uint32_t call_results::add(std::string message) {
  const auto out = fresh();
  bytes_ += message.size();
  blocks_[out] = {std::move(message), 1};
  return out;
}

call_results::place call_results::keep(std::string_view result) {
  if (open_ != none && blocks_[open_].bytes.size() + result.size() > block_size)
    release(std::exchange(open_, none));
  if (open_ == none) {
    open_ = fresh();
    blocks_[open_].live = 1; // its own, so that it stays while it is open
  }
  auto& to = blocks_[open_];
  const place out{open_, static_cast<std::uint32_t>(to.bytes.size())};
  to.bytes += result;
  ++to.live;
  bytes_ += result.size();
  return out;
}

void call_results::release(std::uint32_t block) {
  auto& from = blocks_[block];
  ensure(from.live > 0, "a block of results is released once for each result");
  if (--from.live > (block == open_ ? 1U : 0U))
    return;
  // An open block that nobody wants keeps its memory for the next result.
  bytes_ -= from.bytes.size();
  if (block == open_) {
    from.bytes.clear();
    return;
  }
  from.bytes = {};
  free_.push_back(block);
}

} // namespace maze::core
