#include "maze/io/bulk_frames.hpp"

#include <cstring>

namespace maze::io {

namespace bulk = core::bulk;

namespace {

// Reads of this size take several large frames, or some hundred small ones, at once.
constexpr std::size_t buffer_size = std::size_t{1} << 20;
static_assert(buffer_size >= 2 * (bulk::header_size + bulk::payload_max));
// More in one write gains nothing; less means more system calls.
constexpr std::size_t write_size = std::size_t{256} << 10;

stream_deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

} // namespace

bulk_frame_reader::bulk_frame_reader(byte_stream& from) : from_(from), buffer_(buffer_size) {}

/// Whether `wanted` bytes are there now; false where the stream ended before the first of them.
core::result<bool> bulk_frame_reader::fill(std::size_t wanted, const bulk_deadlines& limits) {
  if (end_ - begin_ >= wanted)
    return true;
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (begin_ + wanted > buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto until = in(begin_ == end_ ? limits.idle : limits.frame);
  while (end_ - begin_ < wanted) {
    const auto got = from_.read_some({buffer_.data() + end_, buffer_.size() - end_}, until);
    if (!got)
      return core::fail(got.error());
    if (*got == 0 && begin_ == end_)
      return false;
    if (*got == 0)
      return core::fail(core::errc::transfer_error, "the peer ended inside a frame");
    if (begin_ == end_)
      until = in(limits.frame);
    end_ += *got;
  }
  return true;
}

core::result<std::optional<bulk_frame>> bulk_frame_reader::next(const bulk_deadlines& limits) {
  const auto begun = fill(bulk::header_size, limits);
  if (!begun)
    return core::fail(begun.error());
  if (!*begun)
    return std::optional<bulk_frame>();
  const auto header = bulk::decode_header({buffer_.data() + begin_, bulk::header_size});
  if (!header)
    return core::fail(header.error());
  const auto whole = fill(bulk::header_size + header->length, limits);
  if (!whole)
    return core::fail(whole.error());
  const std::string_view payload(buffer_.data() + begin_ + bulk::header_size, header->length);
  begin_ += bulk::header_size + header->length;
  return bulk_frame{.header = *header, .payload = payload};
}

core::result<void> bulk_frame_writer::add(std::string_view frame, const bulk_deadlines& limits) {
  collected_ += frame;
  return flush_if_full(limits);
}

void bulk_frame_writer::add_part_header(std::uint32_t request, const bulk::part_header& header,
                                        std::size_t length) {
  const auto outer = bulk::encode(
      bulk::frame_header{.kind = bulk::frame_kind::part,
                         .request = request,
                         .length = static_cast<std::uint32_t>(bulk::part_header_size + length)});
  const auto inner = bulk::encode(header);
  collected_.append(outer.data(), outer.size()).append(inner.data(), inner.size());
}

char* bulk_frame_writer::room_for(std::size_t size) {
  collected_.resize(collected_.size() + size);
  return collected_.data() + collected_.size() - size;
}

core::result<void> bulk_frame_writer::flush_if_full(const bulk_deadlines& limits) {
  return collected_.size() >= write_size ? flush(limits) : core::result<void>();
}

core::result<void> bulk_frame_writer::send_file(int file, std::uint64_t offset, std::size_t length,
                                                const bulk_deadlines& limits) {
  if (auto done = flush(limits); !done)
    return done;
  return to_.send_file(file, offset, length, in(limits.frame));
}

core::result<void> bulk_frame_writer::flush(const bulk_deadlines& limits) {
  if (collected_.empty())
    return {};
  auto done = to_.write_all(collected_, in(limits.frame));
  collected_.clear();
  return done;
}

} // namespace maze::io
