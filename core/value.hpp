#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/result.hpp"
#include "maze/core/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

/// Content that is too large to travel inside a value: it lies in blob stores under its hash.
struct blob_ref {
  digest hash;
  std::uint64_t size = 0;
  /// What the content decodes to: `string`, `bytes` or `value`.
  std::string type;

  friend bool operator==(const blob_ref&, const blob_ref&) = default;
};

/// An object that lives in the cluster (a task actor, a stream): reserved, no task makes one yet.
struct object_ref {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const object_ref&, const object_ref&) = default;
};

struct value;
using null = std::monostate;
using bytes = std::vector<std::byte>;
using list = std::vector<value>;
/// Keys are unique and sorted by their bytes, so that equal dictionaries encode equally.
using dict = std::map<std::string, value, std::less<>>;

/// What tasks take and give: null, bool, 64-bit integer, double, text (UTF-8), bytes, list, dict,
/// and references to blobs and objects.
///
/// @note A value type. Two NaNs compare unequal, as doubles do.
struct value {
  using storage = std::variant<null, bool, std::int64_t, double, std::string, bytes, list, dict,
                               blob_ref, object_ref>;

  storage data;

  value() = default;
  value(std::nullptr_t) {}
  value(bool x) : data(x) {}
  value(int x) : data(std::int64_t{x}) {}
  value(std::int64_t x) : data(x) {}
  value(double x) : data(x) {}
  value(const char* x) : data(std::string(x)) {}
  value(std::string_view x) : data(std::string(x)) {}
  value(std::string x) : data(std::move(x)) {}
  value(bytes x) : data(std::move(x)) {}
  value(list x) : data(std::move(x)) {}
  value(dict x) : data(std::move(x)) {}
  value(blob_ref x) : data(std::move(x)) {}
  value(object_ref x) : data(x) {}

  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&data);
  }
  template <class T>
  [[nodiscard]] T* as() noexcept {
    return std::get_if<T>(&data);
  }
  template <class T>
  [[nodiscard]] bool is() const noexcept {
    return std::holds_alternative<T>(data);
  }

  friend bool operator==(const value&, const value&) = default;
};

/// `null`, `bool`, `int`, `float`, `string`, `bytes`, `list`, `dict`, `blob` or `object`.
std::string_view type_name(const value& x) noexcept;

/// The shortest decimal text that reads back as `x`, always with a point or an exponent, so that it
/// is no integer: `1.0`, `0.1`, `1e+300`; `NaN`, `Infinity`, `-Infinity`.
std::string real_text(double x);

/// Bounds for reading a value from foreign bytes; passing one is `limit_exceeded`, never a crash.
struct value_limits {
  /// Lists and dictionaries inside each other; each level takes a few hundred bytes of stack.
  std::uint32_t depth_max = 64;
  /// Encoded size in bytes.
  std::uint64_t size_max = std::uint64_t{64} << 20;
};

/// The canonical binary form (described in core/README.md): equal values encode to equal bytes, but
/// that 0.0 and -0.0 stay two. Fails with `limit_exceeded` when `x` is nested deeper or encodes
/// longer than the limits, with `malformed` when a text in it is not UTF-8.
result<std::string> encode(const value& x, const value_limits& limits = {});
/// The inverse of `encode`. Fails with `malformed` or `limit_exceeded`, naming the byte offset;
/// rejects trailing bytes, unsorted or repeated keys, text that is not UTF-8. Never allocates for
/// more elements than were read; an element in memory takes up to 64 times its encoded byte.
result<value> decode(std::string_view encoded, const value_limits& limits = {});

} // namespace maze::core
