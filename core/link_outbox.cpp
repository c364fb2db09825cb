#include "maze/core/link_outbox.hpp"

#include "maze/core/ensure.hpp"

#include <algorithm>

namespace maze::core {

link_outbox::link_outbox(options settings) : options_(settings) {
  auto& x = options_;
  x.window_items = std::max(x.window_items, 1U);
  x.window_bytes = std::max(x.window_bytes, std::uint64_t{1});
  x.batch_items_max = std::clamp(x.batch_items_max, 1U, x.window_items);
  const auto bytes = std::min(x.window_bytes, link_frame::batch_bytes_limit);
  x.batch_bytes_max = std::clamp(x.batch_bytes_max, std::uint64_t{1}, bytes);
}

link_outbox::batch& link_outbox::open_batch(std::uint64_t bytes) {
  const bool any = batches_.size() > flying_count_;
  if (!any || batches_.back().items >= options_.batch_items_max
      || batches_.back().bytes.size() + bytes > options_.batch_bytes_max)
    batches_.emplace_back();
  return batches_.back();
}

void link_outbox::push(std::string_view item) {
  const auto size = packed_size(item.size());
  if (size > options_.batch_bytes_max)
    return push_sliced(item);
  auto& to = open_batch(size);
  append_item(to.bytes, item);
  ++to.items;
  ++queued_.items;
  queued_.bytes += size;
}

void link_outbox::push_sliced(std::string_view item) {
  std::string packed;
  packed.reserve(item.size() + 10);
  append_item(packed, item);
  ++queued_.items;
  queued_.bytes += packed.size();
  for (std::string_view left = packed; !left.empty();) {
    auto& to = batches_.emplace_back();
    to.bytes = left.substr(0, options_.batch_bytes_max);
    left.remove_prefix(to.bytes.size());
    to.kind = left.empty() ? frame_kind::items : frame_kind::slice;
    // The item counts where it ends.
    to.items = left.empty() ? 1 : 0;
  }
}

void link_outbox::send(std::size_t at, instant now, std::vector<link_frame>& out) {
  auto& x = batches_[at];
  x.sent = now;
  out.push_back({.kind = x.kind, .number = first_ + at, .items = x.bytes});
}

void link_outbox::send_new(instant now, std::vector<link_frame>& out) {
  while (flying_count_ < batches_.size()) {
    const auto& next = batches_[flying_count_];
    if (flying_.items + next.items > options_.window_items
        || flying_.bytes + next.bytes.size() > options_.window_bytes)
      return;
    if (flying_count_ == 0)
      progress_ = now;
    flying_.items += next.items;
    flying_.bytes += next.bytes.size();
    queued_.items -= next.items;
    queued_.bytes -= next.bytes.size();
    send(flying_count_++, now, out);
  }
}

void link_outbox::send_late(instant now, std::vector<link_frame>& out) {
  if (flying_count_ == 0)
    return;
  if (now >= *due()) {
    ++tries_;
    suspect_until_ = first_ + flying_count_ - 1;
  } else if (first_ > suspect_until_ || batches_.front().sent >= progress_) {
    return;
  }
  // The oldest alone: most often the rest has arrived and waits for it. If not, the acknowledgement
  // of this one shows the next.
  send(0, now, out);
  ++resent_;
}

void link_outbox::send_again(instant now, std::vector<link_frame>& out) {
  tries_ = 0;
  progress_ = now;
  suspect_until_ = 0;
  for (std::size_t at = 0; at < flying_count_; ++at)
    send(at, now, out);
  resent_ += flying_count_;
}

bool link_outbox::acknowledged(std::uint64_t number, instant now) {
  if (number >= first_ + flying_count_)
    return false;
  if (number < first_)
    return true;
  while (first_ <= number) {
    flying_.items -= batches_.front().items;
    flying_.bytes -= batches_.front().bytes.size();
    batches_.pop_front();
    --flying_count_;
    ++first_;
  }
  tries_ = 0;
  progress_ = now;
  return true;
}

duration link_outbox::patience() const noexcept {
  auto wait = options_.resend_first;
  for (std::uint32_t i = 0; i < tries_ && wait < options_.resend_longest; ++i)
    wait *= 2;
  return std::min(wait, options_.resend_longest);
}

std::optional<instant> link_outbox::due() const noexcept {
  if (flying_count_ == 0)
    return std::nullopt;
  return std::max(batches_.front().sent, progress_) + patience();
}

void link_outbox::check_invariants() const {
  amount flying;
  amount queued;
  for (std::size_t at = 0; at < batches_.size(); ++at) {
    auto& sum = at < flying_count_ ? flying : queued;
    sum.items += batches_[at].items;
    sum.bytes += batches_[at].bytes.size();
    ensure(batches_[at].bytes.size() <= options_.batch_bytes_max, "a batch stays within its bytes");
    ensure(batches_[at].items <= options_.batch_items_max, "a batch stays within its items");
  }
  ensure(flying_count_ <= batches_.size(), "what is on its way is kept");
  ensure(flying.items == flying_.items && flying.bytes == flying_.bytes, "what flies is counted");
  ensure(queued.items == queued_.items && queued.bytes == queued_.bytes, "what waits is counted");
  ensure(flying_.items <= options_.window_items, "no more items fly than the window holds");
  ensure(flying_.bytes <= options_.window_bytes, "no more bytes fly than the window holds");
}

} // namespace maze::core
