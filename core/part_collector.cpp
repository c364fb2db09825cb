#include "maze/core/part_collector.hpp"

#include <fmt/format.h>

namespace maze::core {

result<part_collector::progress> part_collector::take(const part& arrived, instant now) {
  if (arrived.size > limits_.document_max)
    return fail(errc::limit_exceeded,
                fmt::format("{} bytes are more than the {} that are taken at once", arrived.size,
                            limits_.document_max));
  if (arrived.bytes.empty() || arrived.offset > arrived.size
      || arrived.bytes.size() > arrived.size - arrived.offset)
    return fail(errc::invalid_argument,
                fmt::format("a part of {} bytes at {} does not fit into {}", arrived.bytes.size(),
                            arrived.offset, arrived.size));
  forget_idle(now);
  const auto place = place_for(arrived, now);
  if (!place)
    return fail(place.error());
  if (arrived.bytes.size() > limits_.open_bytes_max - open_bytes_) {
    forget(*place);
    return fail(errc::limit_exceeded,
                "too much is being handed in at the same time: try again later");
  }
  unfinished& at = (*place)->second;
  at.touched = now;
  at.bytes.append(arrived.bytes);
  open_bytes_ += arrived.bytes.size();
  progress out{.received = at.bytes.size(), .document = std::nullopt};
  if (out.received == at.size) {
    open_bytes_ -= at.bytes.size();
    out.document = std::move(at.bytes);
    open_.erase(*place);
  }
  return out;
}

result<part_collector::table::iterator> part_collector::place_for(const part& arrived,
                                                                  instant now) {
  auto found = open_.find(arrived.document);
  if (arrived.offset == 0) {
    if (found != open_.end())
      forget(found);
    if (open_.size() >= limits_.open_documents_max)
      return fail(errc::limit_exceeded,
                  "too many are handing something in at the same time: try again later");
    return open_.emplace(std::string(arrived.document), unfinished{arrived.size, {}, now}).first;
  }
  const bool follows = found != open_.end() && found->second.size == arrived.size
                       && found->second.bytes.size() == arrived.offset;
  if (!follows)
    return fail(errc::stale,
                fmt::format("the part at {} does not follow what has arrived ({}): "
                            "begin anew",
                            arrived.offset, found == open_.end() ? 0 : found->second.bytes.size()));
  return found;
}

void part_collector::forget(table::iterator gone) {
  open_bytes_ -= gone->second.bytes.size();
  open_.erase(gone);
}

void part_collector::forget_idle(instant now) {
  for (auto next = open_.begin(); next != open_.end();)
    if (const auto at = next++; now - at->second.touched >= limits_.idle)
      forget(at);
}

} // namespace maze::core
