#include "maze/io/bulk_fetch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::io {

namespace bulk = core::bulk;

namespace {

// Whoever writes requests does not read at that moment: all that are open must fit into a socket's
// buffer (64 KiB here), or both sides could wait for each other.
constexpr std::size_t requests_max = 4;
constexpr std::size_t request_ranges_max = 512;

tl::unexpected<core::error> unexpected_answer(const bulk_frame& answer) {
  return core::fail(core::errc::malformed,
                    fmt::format("the peer answered with a frame of kind {} to request {}, which is "
                                "not what was asked for",
                                static_cast<unsigned>(answer.header.kind), answer.header.request));
}

/// Whether the fault is that of this one blob's content.
bool is_of_content(core::errc code) { return code == core::errc::transfer_error; }

} // namespace

bulk_fetch::bulk_fetch(std::vector<core::blob_id> wanted, blob_store& into, limits bounds,
                       std::optional<blob_writer> partial)
    : wanted_(std::move(wanted)),
      failed_(wanted_.size()),
      into_(into),
      bounds_(bounds),
      writer_(std::move(partial)) {
  bounds_.range_max = std::min(bounds_.range_max, bulk::request_bytes_max);
  if (!writer_)
    return;
  // The broken one first, so that its writer is the one that is due.
  const auto found = std::find(wanted_.begin(), wanted_.end(), writer_->expected());
  if (found == wanted_.end()) {
    writer_.reset();
    return;
  }
  std::iter_swap(wanted_.begin(), found);
  ask_offset_ = writer_->written();
}

bool bulk_fetch::finished() const noexcept { return ask_blob_ == wanted_.size() && asked_.empty(); }

std::optional<bulk::range_list> bulk_fetch::next_request(std::uint32_t number) {
  const auto per_request =
      std::min(std::max(bounds_.credit / requests_max, std::uint64_t{1}), bulk::request_bytes_max);
  request fresh{.number = number, .pieces = {}};
  bulk::range_list out;
  std::uint64_t bytes = 0;
  while (asked_.size() < requests_max && ask_blob_ < wanted_.size()
         && fresh.pieces.size() < request_ranges_max) {
    const auto& blob = wanted_[ask_blob_];
    const auto length = std::min(blob.size - ask_offset_, bounds_.range_max);
    const bool first = fresh.pieces.empty();
    if ((on_the_way_ > 0 && on_the_way_ + length > bounds_.credit)
        || (!first && bytes + length > per_request))
      break;
    fresh.pieces.push_back(
        {.blob = ask_blob_, .range = {.hash = blob.hash, .offset = ask_offset_, .length = length}});
    out.ranges.push_back(fresh.pieces.back().range);
    bytes += length;
    on_the_way_ += length;
    ask_offset_ += length;
    if (ask_offset_ == blob.size) {
      ++ask_blob_;
      ask_offset_ = 0;
    }
  }
  if (out.ranges.empty())
    return std::nullopt;
  asked_.push_back(std::move(fresh));
  return out;
}

core::result<void> bulk_fetch::take(const bulk_frame& answer) {
  if (answer.header.kind == bulk::frame_kind::refused) {
    const auto why = bulk::decode_refusal(answer.payload);
    return core::fail(why ? why->why : why.error());
  }
  if (asked_.empty() || answer.header.request != asked_.front().number)
    return unexpected_answer(answer);
  auto& asked = asked_.front();
  auto done = answer.header.kind == bulk::frame_kind::part     ? take_part(asked, answer)
              : answer.header.kind == bulk::frame_kind::absent ? take_absent(asked, answer)
                                                               : unexpected_answer(answer);
  if (done && asked.next == asked.pieces.size())
    asked_.pop_front();
  return done;
}

core::result<void> bulk_fetch::take_part(request& asked, const bulk_frame& answer) {
  const auto part = bulk::decode_part(answer.payload);
  if (!part)
    return core::fail(part.error());
  const auto& due = asked.pieces[asked.next];
  const auto left = due.range.length - asked.came;
  const bulk::part_header expected{.item = static_cast<std::uint32_t>(asked.next),
                                   .offset = due.range.offset + asked.came};
  if (part->header != expected || part->bytes.size() > left || (part->bytes.empty() && left > 0))
    return unexpected_answer(answer);
  report_.bytes_moved += part->bytes.size();
  asked.came += part->bytes.size();
  if (auto done = store(due.blob, expected.offset, part->bytes); !done)
    return done;
  if (asked.came == due.range.length)
    piece_done(asked);
  return {};
}

core::result<void> bulk_fetch::take_absent(request& asked, const bulk_frame& answer) {
  auto failure = bulk::decode_item_failure(answer.payload);
  if (!failure)
    return core::fail(failure.error());
  if (failure->item != asked.next || asked.came > 0)
    return unexpected_answer(answer);
  const auto blob = asked.pieces[asked.next].blob;
  if (!failed_[blob]) {
    failed_[blob] = true;
    report_.failures.push_back({.blob = wanted_[blob], .why = std::move(failure->why)});
    if (writer_ && writer_->expected() == wanted_[blob])
      writer_.reset();
  }
  piece_done(asked);
  return {};
}

void bulk_fetch::piece_done(request& asked) {
  on_the_way_ -= asked.pieces[asked.next].range.length;
  ++asked.next;
  asked.came = 0;
}

/// Turns a fault of the content into a failure of this blob; others stay faults of all.
core::result<void> bulk_fetch::judge(std::size_t blob, const core::result<void>& done) {
  if (done)
    return {};
  writer_.reset();
  if (!is_of_content(done.error().code))
    return done;
  failed_[blob] = true;
  report_.failures.push_back({.blob = wanted_[blob], .why = done.error()});
  return {};
}

core::result<void> bulk_fetch::store(std::size_t blob, std::uint64_t offset,
                                     std::string_view bytes) {
  const auto& expected = wanted_[blob];
  if (failed_[blob])
    return {};
  if (bytes.size() == expected.size) {
    const auto stored = into_.put_expected(expected, bytes);
    report_.blobs_moved += stored ? 1 : 0;
    return judge(blob, stored ? core::result<void>() : core::fail(stored.error()));
  }
  if (offset == 0) {
    auto begun = into_.begin_put(expected);
    if (!begun)
      return core::fail(begun.error());
    writer_ = std::move(*begun);
  }
  if (auto done = writer_->write(bytes); !done)
    return judge(blob, done);
  if (writer_->written() < expected.size)
    return {};
  const auto added = writer_->commit();
  writer_.reset();
  report_.blobs_moved += added ? 1 : 0;
  return judge(blob, added ? core::result<void>() : core::fail(added.error()));
}

} // namespace maze::io
