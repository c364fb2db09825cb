#include "maze/core/link_frame.hpp"

#include "maze/core/codec.hpp"

namespace maze::core {

link_frame over_frame(session_id session, const error& reason) {
  return {.session = session, .kind = frame_kind::over, .items = to_binary(reason)};
}

error reason_of(const link_frame& over) {
  auto told = from_binary<error>(over.items, "end of a session");
  return told ? std::move(*told)
              : error{.code = errc::stale, .message = "the other end closed the session"};
}

std::uint64_t packed_size(std::uint64_t size) noexcept {
  std::uint64_t header = 1;
  for (auto left = size; left >= 0x80; left >>= 7)
    ++header;
  return header + size;
}

void append_item(std::string& batch, std::string_view item) {
  auto left = item.size();
  for (; left >= 0x80; left >>= 7)
    batch += static_cast<char>(left | 0x80);
  batch += static_cast<char>(left);
  batch += item;
}

std::string_view take_item(std::string_view& batch) noexcept {
  std::uint64_t size = 0;
  std::size_t at = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(batch[at++]);
    size |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80)
      break;
  }
  const auto item = batch.substr(at, static_cast<std::size_t>(size));
  batch.remove_prefix(at + item.size());
  return item;
}

result<std::uint64_t> check_batch(std::string_view batch) {
  binary_reader in(batch, "batch");
  std::uint64_t count = 0;
  for (; in.ok() && in.remaining() > 0; ++count)
    in.text();
  return in.finish().map([count] { return count; });
}

} // namespace maze::core
