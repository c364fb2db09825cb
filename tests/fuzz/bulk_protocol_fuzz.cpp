// Bytes that claim to be frames of a bulk stream are refused, or come back as they were.
#include "maze/core/bulk_protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace maze::core;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

/// What was read without a fault is written as the same bytes.
void payload(bulk::frame_kind kind, std::string_view bytes) {
  const auto same = [&](const auto& read, const auto& written) {
    if (read)
      require(std::string_view(written(*read)).substr(bulk::header_size) == bytes);
  };
  switch (kind) {
  case bulk::frame_kind::have:
  case bulk::frame_kind::put:
    return same(bulk::decode_blob_list(bytes),
                [&](const auto& x) { return bulk::frame(kind, 1, x); });
  case bulk::frame_kind::get:
    return same(bulk::decode_range_list(bytes), [](const auto& x) { return bulk::frame(1, x); });
  case bulk::frame_kind::get_document:
    return same(bulk::decode_document_name(bytes), [](const auto& x) { return bulk::frame(1, x); });
  case bulk::frame_kind::present:
    return same(bulk::decode_presence(bytes, bytes.size() * 8),
                [](const auto& x) { return bulk::frame(1, x); });
  case bulk::frame_kind::document:
    return same(bulk::decode_document_size(bytes), [](const auto& x) { return bulk::frame(1, x); });
  case bulk::frame_kind::part:
    if (const auto read = bulk::decode_part(bytes))
      require(read->bytes.size() + bulk::part_header_size == bytes.size());
    return;
  // Errors are shortened when they are written, so only their reading is tried.
  case bulk::frame_kind::absent:
    return static_cast<void>(bulk::decode_item_failure(bytes));
  case bulk::frame_kind::stored:
    return static_cast<void>(bulk::decode_put_result(bytes));
  case bulk::frame_kind::refused:
    return static_cast<void>(bulk::decode_refusal(bytes));
  }
}

} // namespace

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  while (bytes.size() >= bulk::header_size) {
    const auto header = bulk::decode_header(bytes.substr(0, bulk::header_size));
    if (!header)
      return 0;
    const auto encoded = bulk::encode(*header);
    require(std::string_view(encoded.data(), encoded.size()) == bytes.substr(0, encoded.size()));
    bytes.remove_prefix(bulk::header_size);
    if (header->length > bytes.size())
      return 0;
    payload(header->kind, bytes.substr(0, header->length));
    bytes.remove_prefix(header->length);
  }
  return 0;
}
