#include "maze/core/link_inbox.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze::core {

result<link_inbox::arrival> link_inbox::take(link_frame&& frame, std::vector<std::string>& out) {
  if (frame.items.size() > link_frame::batch_bytes_limit)
    return fail(errc::limit_exceeded,
                fmt::format("batch {} has {} bytes, {} are allowed", frame.number,
                            frame.items.size(), link_frame::batch_bytes_limit),
                "link");
  if (frame.number <= arrived_)
    return arrival::repeated;
  if (frame.number > arrived_ + 1) {
    if (early_.count(frame.number) != 0)
      return arrival::repeated;
    if (early_.size() < options_.early_max
        && early_bytes_ + frame.items.size() <= options_.early_bytes_max) {
      early_bytes_ += frame.items.size();
      early_.emplace(frame.number, batch{frame.kind, std::move(frame.items)});
    }
    return arrival::early;
  }
  if (auto done = hand_on({frame.kind, std::move(frame.items)}, out); !done)
    return fail(std::move(done.error()));
  while (!early_.empty() && early_.begin()->first == arrived_ + 1) {
    auto next = early_.extract(early_.begin());
    early_bytes_ -= next.mapped().bytes.size();
    if (auto done = hand_on(std::move(next.mapped()), out); !done)
      return fail(std::move(done.error()));
  }
  return arrival::in_order;
}

result<void> link_inbox::hand_on(batch&& next, std::vector<std::string>& out) {
  ++arrived_;
  if (next.kind == frame_kind::slice || !begun_.empty()) {
    if (begun_.size() + next.bytes.size() > options_.item_bytes_max + link_frame::batch_bytes_limit)
      return fail(errc::limit_exceeded,
                  fmt::format("batch {}: an item has more than {} bytes", arrived_,
                              options_.item_bytes_max),
                  "link");
    begun_ += next.bytes;
    if (next.kind == frame_kind::slice)
      return {};
    next.bytes = std::exchange(begun_, {});
  }
  if (auto sound = check_batch(next.bytes); !sound) {
    sound.error().message = fmt::format("batch {}: {}", arrived_, sound.error().message);
    return fail(std::move(sound.error()));
  }
  out.push_back(std::move(next.bytes));
  return {};
}

} // namespace maze::core
