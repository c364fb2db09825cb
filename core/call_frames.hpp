#pragma once

#include "maze/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Messages between a node and a child that runs functions, and between master and nodes where calls travel
/// by the thousand: a header, a table, then all payloads behind one another. Numbers are least significant
/// byte first.
///
/// | bytes | header |
/// |---|---|
/// | 0-3 | `MZC1` |
/// | 4-5 | kind |
/// | 6-7 | 0 |
/// | 8-11 | entries in the table |
/// | 12-15 | bytes that follow the header |
/// | 16-23 | nanoseconds that the sender spent inside functions for this message; 0 where nobody counts |
///
/// | bytes | entry |
/// |---|---|
/// | 0-7 | number |
/// | 8-11 | word: its meaning depends on the kind |
/// | 12-15 | bytes of its payload |
namespace maze::core {

inline constexpr std::uint32_t call_magic = 0x31435a4d;
inline constexpr std::uint32_t call_protocol = 1;
inline constexpr std::size_t call_header_size = 24;
inline constexpr std::size_t call_entry_size = 16;
/// Bytes that may follow a header, unless a reader was told otherwise.
inline constexpr std::uint32_t call_message_max = std::uint32_t{1} << 30;

enum class call_kind : std::uint16_t {
  /// From the child, first of all. One entry: number is the startup token that the node gave it, word is
  /// `call_protocol`, payload an encoded `library_set`.
  ready = 1,
  /// From the child instead of `ready`: it cannot run anything. One entry, payload an encoded `error`.
  refused = 2,
  /// To a child that runs source code. Word is the number by which calls will name the function, payload an
  /// encoded value: see `tools/host/README.md`.
  define = 3,
  /// To the child. Number is the caller's, word the function's number, payload the encoded arguments: a list
  /// by position or a dictionary by name.
  calls = 4,
  /// From the child, in the order of the calls. Number is the call's, word a `call_outcome`, payload the encoded
  /// value that the function returned, or an encoded `error`.
  replies = 5,
};
/// Whether the number names a kind.
constexpr bool is_known(call_kind x) noexcept {
  return x >= call_kind::ready && x <= call_kind::replies;
}

enum class call_outcome : std::uint32_t { returned = 0, failed = 1 };

struct call_header {
  call_kind kind = call_kind::calls;
  std::uint32_t count = 0;
  std::uint32_t size = 0;
  std::uint64_t busy_ns = 0;

  friend bool operator==(const call_header&, const call_header&) = default;
};

struct call_entry {
  std::uint64_t number = 0;
  std::uint32_t word = 0;
  std::uint32_t size = 0;

  friend bool operator==(const call_entry&, const call_entry&) = default;
};

/// @pre `bytes.size() >= call_header_size`. Fails with `malformed` for another magic or kind, a table that
/// is longer than what follows, or bits that must be 0; with `limit_exceeded` beyond `size_max`.
result<call_header> read_call_header(std::string_view bytes,
                                     std::uint32_t size_max = call_message_max);

/// One whole message, checked; refers to the bytes that it was made of.
class call_message_view {
public:
  /// Fails as `read_call_header`; with `malformed` where there are more or fewer bytes than the header says, or
  /// the payloads are not as long together as what follows the table.
  static result<call_message_view> of(std::string_view message,
                                      std::uint32_t size_max = call_message_max);

  [[nodiscard]] const call_header& header() const noexcept { return header_; }
  [[nodiscard]] std::size_t size() const noexcept { return header_.count; }
  /// @pre index < size()
  [[nodiscard]] call_entry entry(std::size_t index) const noexcept;
  /// All payloads, behind one another in the order of the table.
  [[nodiscard]] std::string_view payloads() const noexcept { return payloads_; }
  /// Calls `visit(const call_entry&, std::string_view payload)` for each entry, in order.
  void for_each(const auto& visit) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      const call_entry each = entry(i);
      visit(each, payloads_.substr(at, each.size));
      at += each.size;
    }
  }

private:
  call_header header_;
  std::string_view table_;
  std::string_view payloads_;
};

/// Gathers entries and gives them out as one message.
///
/// @note A value type; keeps its buffers, so that a writer in use allocates nothing.
class call_message_writer {
public:
  void add(std::uint64_t number, std::uint32_t word, std::string_view payload);
  [[nodiscard]] std::size_t count() const noexcept { return table_.size() / call_entry_size; }
  [[nodiscard]] bool empty() const noexcept { return table_.empty(); }
  /// Bytes of the whole message so far.
  [[nodiscard]] std::size_t size() const noexcept {
    return call_header_size + table_.size() + payloads_.size();
  }
  /// Appends the message to `out` and begins anew.
  /// @pre `size()` is at most `call_message_max`
  void finish(call_kind kind, std::string& out, std::uint64_t busy_ns = 0);

private:
  std::string table_;
  std::string payloads_;
};

/// A message of one entry.
std::string call_message(call_kind kind, std::uint64_t number, std::uint32_t word,
                         std::string_view payload);

/// Takes a stream apart into messages, however it was cut.
///
/// @note Not thread-safe.
class call_message_reader {
public:
  explicit call_message_reader(std::uint32_t size_max = call_message_max) : size_max_(size_max) {}

  void append(std::string_view more) { buffer_.append(more); }
  /// The next whole message, valid until the next call of anything here; empty where more bytes are needed. After a
  /// failure, which is that of `call_message_view::of`, the stream is of no more use.
  result<std::string_view> next();
  /// Bytes of a message that has not come whole.
  [[nodiscard]] std::size_t pending() const noexcept { return buffer_.size() - at_; }

private:
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint32_t size_max_;
};

} // namespace maze::core
