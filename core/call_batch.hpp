#pragma once

#include "maze/core/result.hpp"
#include "maze/core/value.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Frames in which a client hands in calls: a header, a table of calls, a table of dependencies, then all
/// arguments behind one another. Numbers are least significant byte first.
///
/// | bytes | header |
/// |---|---|
/// | 0-3 | `MZB1` |
/// | 4-5 | version, 1 |
/// | 6-7 | flags, 0 |
/// | 8-11 | number of the first call; the others follow |
/// | 12-15 | calls, at least 1 |
/// | 16-19 | dependencies of all calls together |
/// | 20-23 | bytes that follow the header |
///
/// | bytes | call |
/// |---|---|
/// | 0-3 | number of the function |
/// | 4-7 | bytes of its encoded arguments |
/// | 8-11 | its dependencies |
/// | 12-15 | 0 |
///
/// | bytes | dependency, in the order of the calls |
/// |---|---|
/// | 0-3 | number of an earlier call |
/// | 4-7 | offset of its placeholder in the arguments, or `order_only` |
///
/// A placeholder is the encoded object whose high half is `placeholder_mark` and whose low half is the number
/// of the call. The encoded result takes its place: the binary form of a value has no lengths in bytes around it, so
/// that arguments with a result in them are encoded arguments again. Places of one call ascend and do not overlap; those
/// without a place come last.
namespace maze::core {

/// Position of a call in its run, from 0 in the order in which frames arrive.
using call_number = std::uint32_t;

inline constexpr std::uint32_t call_batch_magic = 0x31425a4d;
inline constexpr std::uint16_t call_batch_version = 1;
inline constexpr std::size_t batch_header_size = 24;
inline constexpr std::size_t batch_entry_size = 16;
inline constexpr std::size_t batch_dependency_size = 8;
/// Bytes of a whole frame, unless a reader was told otherwise.
inline constexpr std::uint32_t call_batch_max = std::uint32_t{1} << 20;

inline constexpr std::uint64_t placeholder_mark = 0x6d617a652d63616c;
inline constexpr std::size_t placeholder_size = 17;
/// The place of a dependency whose result the call does not want: it only begins later.
inline constexpr std::uint32_t order_only = 0xffffffff;

/// What stands in arguments for the result of call `x`.
constexpr object_ref result_of(call_number x) noexcept { return {placeholder_mark, x}; }

struct batch_entry {
  std::uint32_t function = 0;
  /// In bytes.
  std::uint32_t size = 0;
  std::uint32_t dependencies = 0;

  friend bool operator==(const batch_entry&, const batch_entry&) = default;
};

struct call_dependency {
  call_number call = 0;
  std::uint32_t place = order_only;

  friend bool operator==(const call_dependency&, const call_dependency&) = default;
};

/// One frame, checked; refers to the bytes that it was made of.
class call_batch_view {
public:
  /// Fails with `malformed` for bytes that are no frame, lengths that contradict each other, a dependency on the
  /// call itself or a later one, and a place without its placeholder; with `limit_exceeded` beyond `size_max`
  /// bytes.
  static result<call_batch_view> of(std::string_view frame,
                                    std::uint32_t size_max = call_batch_max);
  /// Without checks.
  /// @pre `of` took these bytes before
  static call_batch_view trusted(std::string_view frame) noexcept;

  [[nodiscard]] call_number first() const noexcept { return first_; }
  /// Calls in the frame.
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  /// Dependencies of all calls together.
  [[nodiscard]] std::uint32_t dependencies() const noexcept { return dependencies_; }
  /// @pre index < size()
  [[nodiscard]] batch_entry entry(std::uint32_t index) const noexcept;
  /// @pre index < dependencies()
  [[nodiscard]] call_dependency dependency(std::uint32_t index) const noexcept;
  /// Where in the frame the arguments of the first call begin.
  [[nodiscard]] std::size_t arguments_at() const noexcept {
    return batch_header_size + std::size_t{count_} * batch_entry_size
           + std::size_t{dependencies_} * batch_dependency_size;
  }

private:
  [[nodiscard]] result<void> check() const;
  [[nodiscard]] result<void> check_dependencies(std::uint32_t index, std::uint32_t from,
                                                std::string_view arguments) const;

  std::string_view frame_;
  call_number first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t dependencies_ = 0;
};

/// Gathers calls and gives them out as one frame.
///
/// @note A value type; not thread-safe.
class call_batch_writer {
public:
  /// `first` is the number of the first call; later frames go on counting.
  explicit call_batch_writer(call_number first = 0) noexcept : first_(first) {}

  /// Returns the number of the call. `dependencies` are in the order of their places.
  call_number add(std::uint32_t function, std::string_view arguments,
                  std::span<const call_dependency> dependencies = {});
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(table_.size() / batch_entry_size);
  }
  [[nodiscard]] bool empty() const noexcept { return table_.empty(); }
  /// Bytes of the whole frame so far.
  [[nodiscard]] std::size_t size() const noexcept {
    return batch_header_size + table_.size() + dependencies_.size() + arguments_.size();
  }
  /// The frame; begins the next.
  std::string finish();

private:
  call_number first_;
  std::string table_;
  std::string dependencies_;
  std::string arguments_;
};

/// The placeholders in encoded arguments, in the order of their places: what `call_batch_writer::add` wants.
/// Fails as `decode`, but that it does not look at text.
result<std::vector<call_dependency>> placeholders_in(std::string_view encoded,
                                                     const value_limits& limits = {});

} // namespace maze::core
