#pragma once

#include "maze/core/blob_id.hpp"
#include "maze/core/error.hpp"
#include "maze/core/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What goes over a bulk stream: frames of a fixed header and a payload. Bytes: core/README.md,
/// "Bulk frames". The requester asks, one request after the other or several at once; the server
/// answers them in that order.
namespace maze::core::bulk {

constexpr std::uint8_t protocol_version = 1;

enum class frame_kind : std::uint8_t {
  // Requests.
  /// Which of these blobs are there? Payload `blob_list`; answered by `present`.
  have = 1,
  /// Send these parts of blobs. Payload `range_list`; for each range, in order, the bytes as `part`
  /// frames, or one `absent`.
  get = 2,
  /// Take these blobs. Payload `blob_list`; answered by `present`; then the requester sends what is
  /// not present, in order, as `part` frames, which `stored` answers.
  put = 3,
  /// Send a document. Payload `document_name`; answered by `document` and its bytes as `part` frames
  /// of item 0, or by `refused`.
  get_document = 4,

  // Answers.
  present = 16,
  /// A piece of a blob or document: a part header, then bytes.
  part = 17,
  /// This range cannot be sent. Payload `item_failure`.
  absent = 18,
  /// The end of a `put`. Payload `put_result`.
  stored = 19,
  /// Payload `document_size`.
  document = 20,
  /// The request failed as a whole, and the connection ends. Payload `refusal`.
  refused = 21,
};
constexpr bool is_known(frame_kind x) noexcept {
  return (x >= frame_kind::have && x <= frame_kind::get_document)
         || (x >= frame_kind::present && x <= frame_kind::refused);
}

/// Bytes of a frame's header.
constexpr std::size_t header_size = 12;
/// Bytes of a part's own header, at the beginning of its payload.
constexpr std::size_t part_header_size = 12;
/// The most blob or document bytes in one part.
constexpr std::size_t part_bytes_max = std::size_t{256} << 10;
/// The most bytes after a frame's header.
constexpr std::size_t payload_max = part_header_size + part_bytes_max;
/// The most blobs that one request may name.
constexpr std::size_t request_blobs_max = 4096;
/// The most bytes of blobs that one `get` may ask for.
constexpr std::uint64_t request_bytes_max = std::uint64_t{64} << 20;
/// The longest name of a document, in bytes.
constexpr std::size_t document_name_max = 255;

/// What every frame begins with.
struct frame_header {
  frame_kind kind = frame_kind::refused;
  /// Number of the request, chosen by the requester; answers carry it back.
  std::uint32_t request = 0;
  /// Bytes that follow.
  std::uint32_t length = 0;

  friend bool operator==(const frame_header&, const frame_header&) = default;
};

std::array<char, header_size> encode(const frame_header& header);
/// `malformed` for another version, an unknown kind, or reserved bytes that are set;
/// `limit_exceeded` for a payload beyond `payload_max`.
/// @pre `bytes` has `header_size` bytes.
result<frame_header> decode_header(std::string_view bytes);

/// Which piece of which item of the request.
struct part_header {
  /// Position in the request's list.
  std::uint32_t item = 0;
  /// Where in the blob or document the bytes belong.
  std::uint64_t offset = 0;

  friend bool operator==(const part_header&, const part_header&) = default;
};

std::array<char, part_header_size> encode(const part_header& header);

struct part {
  part_header header;
  /// A view into the payload; not empty unless the whole item is.
  std::string_view bytes;
};
/// `malformed` for a payload shorter than a part's header.
result<part> decode_part(std::string_view payload);

struct blob_list {
  std::vector<blob_id> blobs;
  friend bool operator==(const blob_list&, const blob_list&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, blob_list& x) {
    return f(x.blobs);
  }
};

struct blob_range {
  digest hash;
  std::uint64_t offset = 0;
  /// Bytes; 0 only for an empty blob.
  std::uint64_t length = 0;
  friend bool operator==(const blob_range&, const blob_range&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, blob_range& x) {
    return f(x.hash, x.offset, x.length);
  }
};

struct range_list {
  std::vector<blob_range> ranges;
  friend bool operator==(const range_list&, const range_list&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, range_list& x) {
    return f(x.ranges);
  }
};

/// For each blob of the request whether it is there.
struct presence {
  std::vector<bool> there;
  friend bool operator==(const presence&, const presence&) = default;
};

struct item_failure {
  std::uint32_t item = 0;
  error why;
  friend bool operator==(const item_failure&, const item_failure&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, item_failure& x) {
    return f(x.item, x.why);
  }
};

/// What of a `put` could not be stored; the rest is, durably.
struct put_result {
  std::vector<item_failure> failures;
  friend bool operator==(const put_result&, const put_result&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, put_result& x) {
    return f(x.failures);
  }
};

struct document_name {
  std::string name;
  friend bool operator==(const document_name&, const document_name&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, document_name& x) {
    return f(x.name);
  }
};

struct document_size {
  std::uint64_t size = 0;
  friend bool operator==(const document_size&, const document_size&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, document_size& x) {
    return f(x.size);
  }
};

struct refusal {
  error why;
  friend bool operator==(const refusal&, const refusal&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, refusal& x) {
    return f(x.why);
  }
};

/// A frame with a payload that is not a part.
/// @pre the message keeps the limits that its `decode_` function checks.
std::string frame(frame_kind kind, std::uint32_t request, const blob_list& message);
std::string frame(std::uint32_t request, const range_list& message);
std::string frame(std::uint32_t request, const presence& message);
std::string frame_absent(std::uint32_t request, const item_failure& message);
std::string frame(std::uint32_t request, const put_result& message);
std::string frame(std::uint32_t request, const document_name& message);
std::string frame(std::uint32_t request, const document_size& message);
std::string frame(std::uint32_t request, const refusal& message);

/// Payloads from bytes that nobody vouches for. Fail with `malformed`, or `limit_exceeded` for more
/// than a request may hold.
result<blob_list> decode_blob_list(std::string_view payload);
/// @post no range is longer than `request_bytes_max`, nor all together; none passes 2^63.
result<range_list> decode_range_list(std::string_view payload);
/// @param count  of blobs that were asked about.
result<presence> decode_presence(std::string_view payload, std::size_t count);
result<item_failure> decode_item_failure(std::string_view payload);
result<put_result> decode_put_result(std::string_view payload);
result<document_name> decode_document_name(std::string_view payload);
result<document_size> decode_document_size(std::string_view payload);
result<refusal> decode_refusal(std::string_view payload);

} // namespace maze::core::bulk
