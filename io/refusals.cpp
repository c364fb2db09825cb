#include "maze/io/refusals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace maze::io {

std::string_view to_string(refusal x) noexcept {
  constexpr std::array<std::string_view, refusal_kinds> names{
      "too_many",    "too_many_from_peer", "timed_out", "hung_up", "wrong_user", "not_tls",
      "certificate", "not_maze",           "protocol",  "cluster", "identity",   "plane",
      "internal"};
  const auto index = static_cast<std::size_t>(x);
  return index < names.size() ? names[index] : "unknown";
}

bool refusal_log::take_token(time now) {
  if (!filled_)
    filled_ = now;
  const auto earned = (now - *filled_) / interval_;
  if (earned > 0) {
    *filled_ += earned * interval_;
    tokens_ = static_cast<std::uint32_t>(std::min<std::int64_t>(burst_, tokens_ + earned));
  }
  if (tokens_ == 0)
    return false;
  if (tokens_ == burst_)
    filled_ = now;
  --tokens_;
  return true;
}

std::optional<std::string> refusal_log::note(refusal why, std::string_view peer,
                                             std::string_view text, time now) {
  counts_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  if (!take_token(now)) {
    ++held_back_;
    return std::nullopt;
  }
  const auto more = std::exchange(held_back_, 0);
  auto line = fmt::format("refused {}: {}", peer, text);
  if (more > 0)
    line += fmt::format("; and {} more", more);
  return line;
}

std::optional<refusal_log::time> refusal_log::next_summary() const {
  return held_back_ > 0 && filled_ ? std::optional(*filled_ + interval_) : std::nullopt;
}

std::optional<std::string> refusal_log::summary(time now) {
  if (held_back_ == 0 || !take_token(now))
    return std::nullopt;
  return fmt::format("refused connections: and {} more", std::exchange(held_back_, 0));
}

refusal_counts refusal_log::counts() const noexcept {
  refusal_counts all{};
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = counts_[i].load(std::memory_order_relaxed);
  return all;
}

} // namespace maze::io
