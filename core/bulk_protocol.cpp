#include "maze/core/bulk_protocol.hpp"

#include "maze/core/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core::bulk {

namespace {

// No file is longer than what off_t counts.
constexpr std::uint64_t blob_size_max = (std::uint64_t{1} << 63) - 1;
// A message that a person reads; more of it may be noise that a peer made.
constexpr std::size_t message_size_max = 1000;

template <std::size_t Size>
void put(char* to, std::uint64_t x) {
  for (std::size_t i = 0; i < Size; ++i)
    to[i] = static_cast<char>(x >> (8 * i));
}

template <std::size_t Size>
std::uint64_t take(const char* from) {
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < Size; ++i)
    x |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
  return x;
}

std::string framed(frame_kind kind, std::uint32_t request, std::string_view payload) {
  const auto header = encode(frame_header{
      .kind = kind, .request = request, .length = static_cast<std::uint32_t>(payload.size())});
  std::string out;
  out.reserve(header_size + payload.size());
  out.append(header.data(), header.size()).append(payload);
  return out;
}

template <class Message>
std::string framed_message(frame_kind kind, std::uint32_t request, const Message& message) {
  return framed(kind, request, to_binary(message));
}

/// Messages and nothing else of an error travel: what a peer may show of itself.
error shortened(error what) {
  what.evidence.clear();
  what.origin.clear();
  if (what.message.size() > message_size_max)
    what.message.resize(message_size_max);
  return what;
}

tl::unexpected<error> too_many(std::string_view what, std::uint64_t number, std::uint64_t limit) {
  return fail(errc::limit_exceeded,
              fmt::format("a bulk request names {} {}, the limit is {}", number, what, limit));
}

} // namespace

std::array<char, header_size> encode(const frame_header& header) {
  std::array<char, header_size> out{};
  out[0] = static_cast<char>(protocol_version);
  out[1] = static_cast<char>(header.kind);
  put<4>(&out[4], header.request);
  put<4>(&out[8], header.length);
  return out;
}

result<frame_header> decode_header(std::string_view bytes) {
  if (const auto version = static_cast<std::uint8_t>(bytes[0]); version != protocol_version)
    return fail(errc::malformed,
                fmt::format("bulk frame of version {}, this maze speaks version {}: run the same "
                            "maze on all nodes",
                            version, protocol_version));
  const auto kind = static_cast<frame_kind>(static_cast<std::uint8_t>(bytes[1]));
  if (!is_known(kind) || bytes[2] != 0 || bytes[3] != 0)
    return fail(errc::malformed, fmt::format("bulk frame of unknown kind {}",
                                             static_cast<unsigned>(take<3>(&bytes[1]))));
  const frame_header out{.kind = kind,
                         .request = static_cast<std::uint32_t>(take<4>(&bytes[4])),
                         .length = static_cast<std::uint32_t>(take<4>(&bytes[8]))};
  if (out.length > payload_max)
    return fail(errc::limit_exceeded,
                fmt::format("bulk frame of {} bytes, the limit is {}", out.length, payload_max));
  return out;
}

std::array<char, part_header_size> encode(const part_header& header) {
  std::array<char, part_header_size> out{};
  put<4>(&out[0], header.item);
  put<8>(&out[4], header.offset);
  return out;
}

result<part> decode_part(std::string_view payload) {
  if (payload.size() < part_header_size)
    return fail(errc::malformed, "bulk part: shorter than its header");
  return part{.header = {.item = static_cast<std::uint32_t>(take<4>(payload.data())),
                         .offset = take<8>(payload.data() + 4)},
              .bytes = payload.substr(part_header_size)};
}

std::string frame(frame_kind kind, std::uint32_t request, const blob_list& message) {
  return framed_message(kind, request, message);
}
std::string frame(std::uint32_t request, const range_list& message) {
  return framed_message(frame_kind::get, request, message);
}
std::string frame(std::uint32_t request, const presence& message) {
  std::string bits((message.there.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < message.there.size(); ++i)
    if (message.there[i])
      bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
  return framed(frame_kind::present, request, bits);
}
std::string frame_absent(std::uint32_t request, const item_failure& message) {
  return framed_message(frame_kind::absent, request,
                        item_failure{.item = message.item, .why = shortened(message.why)});
}
std::string frame(std::uint32_t request, const put_result& message) {
  // Beyond a few dozen, failures tell nothing new, and the frame has a limit: their codes suffice.
  constexpr std::size_t with_message_max = 64;
  auto kept = message;
  for (std::size_t i = 0; i < kept.failures.size(); ++i) {
    auto& why = kept.failures[i].why;
    why = i < with_message_max ? shortened(why) : error{.code = why.code};
  }
  return framed_message(frame_kind::stored, request, kept);
}
std::string frame(std::uint32_t request, const document_name& message) {
  return framed_message(frame_kind::get_document, request, message);
}
std::string frame(std::uint32_t request, const document_size& message) {
  return framed_message(frame_kind::document, request, message);
}
std::string frame(std::uint32_t request, const refusal& message) {
  return framed_message(frame_kind::refused, request, refusal{.why = shortened(message.why)});
}

result<blob_list> decode_blob_list(std::string_view payload) {
  auto list = from_binary<blob_list>(payload, "bulk blob list");
  if (!list)
    return list;
  if (list->blobs.size() > request_blobs_max)
    return too_many("blobs", list->blobs.size(), request_blobs_max);
  for (const auto& blob : list->blobs)
    if (blob.size > blob_size_max)
      return fail(errc::limit_exceeded, fmt::format("blob {} of {} bytes: no file is that long",
                                                    to_string(blob.hash), blob.size));
  return list;
}

result<range_list> decode_range_list(std::string_view payload) {
  auto list = from_binary<range_list>(payload, "bulk range list");
  if (!list)
    return list;
  if (list->ranges.size() > request_blobs_max)
    return too_many("ranges", list->ranges.size(), request_blobs_max);
  std::uint64_t sum = 0;
  for (const auto& wanted : list->ranges) {
    if (wanted.length > request_bytes_max || wanted.offset > blob_size_max - wanted.length)
      return fail(errc::limit_exceeded,
                  fmt::format("{} bytes of blob {} from {} on: a range has at most {} bytes",
                              wanted.length, to_string(wanted.hash), wanted.offset,
                              request_bytes_max));
    sum += wanted.length;
  }
  // At most 2^12 ranges of 2^26 bytes: the sum cannot wrap.
  if (sum > request_bytes_max)
    return too_many("bytes", sum, request_bytes_max);
  return list;
}

result<presence> decode_presence(std::string_view payload, std::size_t count) {
  if (payload.size() != (count + 7) / 8)
    return fail(errc::malformed,
                fmt::format("bulk presence: {} bytes for {} blobs", payload.size(), count));
  presence out;
  out.there.resize(count);
  for (std::size_t i = 0; i < payload.size() * 8; ++i) {
    const bool bit = (static_cast<unsigned char>(payload[i / 8]) >> (i % 8) & 1) != 0;
    if (i < count)
      out.there[i] = bit;
    else if (bit)
      return fail(errc::malformed, "bulk presence: a bit beyond the last blob");
  }
  return out;
}

result<item_failure> decode_item_failure(std::string_view payload) {
  return from_binary<item_failure>(payload, "bulk item failure");
}

result<put_result> decode_put_result(std::string_view payload) {
  return from_binary<put_result>(payload, "bulk put result");
}

result<document_name> decode_document_name(std::string_view payload) {
  auto out = from_binary<document_name>(payload, "bulk document name");
  if (out && (out->name.empty() || out->name.size() > document_name_max))
    return fail(errc::limit_exceeded, fmt::format("a document's name of {} bytes: it has 1 to {}",
                                                  out->name.size(), document_name_max));
  return out;
}

result<document_size> decode_document_size(std::string_view payload) {
  return from_binary<document_size>(payload, "bulk document size");
}

result<refusal> decode_refusal(std::string_view payload) {
  return from_binary<refusal>(payload, "bulk refusal");
}

} // namespace maze::core::bulk
