#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/result.hpp"

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace maze::core {

/// An enumeration that may come from foreign bytes: `is_known` tells its enumerators from other
/// numbers, so that none of those gets in.
template <class T>
concept known_enum = std::is_enum_v<T> && requires(T x) {
  { is_known(x) } -> std::same_as<bool>;
};

/// A number that is not bool.
template <class T>
concept plain_integer = std::integral<T> && !std::same_as<T, bool>;

/// Writes the binary form that core/README.md describes, byte by byte.
///
/// As an inspector it takes everything that `inspect` functions hand over: integers, bool, double,
/// enumerations, text, optional, array, vector, map, variant, durations, digests, and structs with `inspect`.
///
/// @note A value type; not thread-safe.
class binary_writer {
public:
  void byte(std::uint8_t x) { bytes_ += static_cast<char>(x); }
  /// Eight bytes, least significant first.
  void fixed64(std::uint64_t x);
  /// One to ten bytes of seven bits, least significant first (LEB128).
  void varint(std::uint64_t x);
  /// The same after folding the sign into the lowest bit: 0, -1, 1, -2 become 0, 1, 2, 3.
  void signed_varint(std::int64_t x);
  /// The bits of a double as `fixed64`; every NaN becomes 0x7FF8000000000000.
  void real(double x);
  /// `varint` length, then the bytes as they are.
  void text(std::string_view x);
  /// The bytes as they are, without a length.
  void raw(std::string_view x) { bytes_ += x; }

  template <class... Ts>
  void operator()(const Ts&... xs) {
    (put(xs), ...);
  }

  [[nodiscard]] const std::string& bytes() const& noexcept { return bytes_; }
  [[nodiscard]] std::string bytes() && noexcept { return std::move(bytes_); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

private:
  void put(bool x) { byte(x ? 1 : 0); }
  void put(double x) { real(x); }
  void put(const std::string& x) { text(x); }
  void put(const digest& x) {
    fixed64(x.high);
    fixed64(x.low);
  }
  void put(std::monostate) {}
  template <plain_integer T>
  void put(T x) {
    if constexpr (std::is_signed_v<T>)
      signed_varint(x);
    else
      varint(x);
  }
  template <known_enum T>
  void put(T x) {
    put(static_cast<std::underlying_type_t<T>>(x));
  }
  template <class Rep, class Period>
  void put(const std::chrono::duration<Rep, Period>& x) {
    put(x.count());
  }
  template <class T>
  void put(const std::optional<T>& x) {
    put(x.has_value());
    if (x)
      put(*x);
  }
  template <class T>
  void put(const std::vector<T>& xs) {
    varint(xs.size());
    for (const auto& x : xs)
      put(x);
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& xs) {
    for (const auto& x : xs)
      put(x);
  }
  template <class K, class V, class Less>
  void put(const std::map<K, V, Less>& xs) {
    varint(xs.size());
    for (const auto& [key, x] : xs) {
      put(key);
      put(x);
    }
  }
  template <class... Ts>
  void put(const std::variant<Ts...>& x) {
    varint(x.index());
    std::visit([this](const auto& held) { this->put(held); }, x);
  }
  template <class T>
  requires std::is_class_v<T>
  void put(const T& x) {
    // An inspect function takes its struct by mutable reference because readers need that; this
    // inspector only looks.
    inspect(*this, const_cast<T&>(x));
  }

  std::string bytes_;
};

/// Reads what `binary_writer` wrote, from bytes that nobody vouches for.
///
/// The first thing that is wrong is kept, with its offset; from then on every read yields zero or
/// nothing. So a decoder may read on and ask `finish` once; only loops must look at `ok`.
/// Only canonical bytes are accepted: what is read back writes the same bytes again. Nothing is
/// allocated that the bytes at hand do not justify.
///
/// @note Refers to the bytes it was given. Not thread-safe.
class binary_reader {
public:
  /// `what` names the format in errors, for example `manifest`; both must outlive the reader.
  /// `depth_max` bounds how deep collections and structs may lie inside each other.
  binary_reader(std::string_view encoded, std::string_view what,
                std::uint32_t depth_max = 64) noexcept
      : bytes_(encoded), what_(what), depth_max_(depth_max) {}

  std::uint8_t byte();
  std::uint64_t fixed64();
  std::uint64_t varint();
  std::int64_t signed_varint();
  double real();
  /// A view into the bytes: `varint` length, then that many.
  std::string_view text();
  /// A view of the next `size` bytes.
  std::string_view raw(std::uint64_t size);
  /// A number of elements that follow, each of which takes at least one byte: a number larger than
  /// the bytes that remain is refused.
  std::uint64_t count();

  template <class... Ts>
  void operator()(Ts&... xs) {
    (get(xs), ...);
  }

  /// Notes what is wrong at `offset`, unless something was wrong before.
  void refuse(std::size_t offset, std::string_view why, errc code = errc::malformed);
  [[nodiscard]] bool ok() const noexcept { return !fault_; }
  /// Bytes read so far.
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - at_; }
  /// The first fault, `malformed` or `limit_exceeded`; or `malformed` if bytes remain.
  result<void> finish();

  /// Goes one level deeper while it lives; `limit_exceeded` is noted beyond `depth_max`.
  class level {
  public:
    explicit level(binary_reader& reader);
    level(const level&) = delete;
    level& operator=(const level&) = delete;
    ~level() { --reader_.depth_; }

  private:
    binary_reader& reader_;
  };

private:
  void get(bool& x);
  void get(double& x) { x = real(); }
  void get(std::string& x) { x = text(); }
  void get(digest& x) {
    x.high = fixed64();
    x.low = fixed64();
  }
  void get(std::monostate&) {}
  template <plain_integer T>
  void get(T& x) {
    const auto start = at_;
    if constexpr (std::is_signed_v<T>)
      narrow(x, signed_varint(), start);
    else
      narrow(x, varint(), start);
  }
  template <known_enum T>
  void get(T& x) {
    const auto start = at_;
    std::underlying_type_t<T> number{};
    get(number);
    if (ok() && !is_known(static_cast<T>(number)))
      return refuse(start, "a number that names nothing");
    x = static_cast<T>(number);
  }
  template <class Rep, class Period>
  void get(std::chrono::duration<Rep, Period>& x) {
    Rep count{};
    get(count);
    x = std::chrono::duration<Rep, Period>(count);
  }
  template <class T>
  void get(std::optional<T>& x) {
    bool present = false;
    get(present);
    x.reset();
    if (present)
      get(x.emplace());
  }
  template <class T>
  void get(std::vector<T>& xs) {
    const level deeper(*this);
    xs.clear();
    for (auto n = count(); ok() && n > 0; --n)
      get(xs.emplace_back());
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& xs) {
    for (auto& x : xs)
      get(x);
  }
  template <class K, class V, class Less>
  void get(std::map<K, V, Less>& xs) {
    const level deeper(*this);
    xs.clear();
    for (auto n = count(); ok() && n > 0; --n) {
      const auto start = at_;
      K key{};
      get(key);
      if (!xs.empty() && !xs.key_comp()(xs.rbegin()->first, key))
        return refuse(start, "a key that is not greater than the one before");
      get(xs.emplace_hint(xs.end(), std::move(key), V{})->second);
    }
  }
  template <class... Ts>
  void get(std::variant<Ts...>& x) {
    const auto start = at_;
    const auto index = varint();
    if (ok() && index >= sizeof...(Ts))
      return refuse(start, "an alternative that does not exist");
    get_alternative(x, index, std::index_sequence_for<Ts...>{});
  }
  template <class Variant, std::size_t... Is>
  void get_alternative(Variant& x, std::uint64_t index, std::index_sequence<Is...>) {
    ((index == Is ? get(x.template emplace<Is>()) : void()), ...);
  }
  template <class T>
  requires std::is_class_v<T>
  void get(T& x) {
    const level deeper(*this);
    if (ok())
      inspect(*this, x);
  }
  template <class T>
  void narrow(T& x, auto wide, std::size_t start) {
    if (!std::in_range<T>(wide))
      return refuse(start, "a number that is too large for its field");
    x = static_cast<T>(wide);
  }

  std::string_view bytes_;
  std::string_view what_;
  std::size_t at_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t depth_max_;
  std::optional<error> fault_;
};

/// The binary form of `x`, which is anything that `binary_writer` takes.
template <class T>
std::string to_binary(const T& x) {
  binary_writer out;
  out(x);
  return std::move(out).bytes();
}

/// The inverse of `to_binary`. Fails with `malformed` or `limit_exceeded`, naming `what` and the
/// offset.
template <class T>
result<T> from_binary(std::string_view encoded, std::string_view what) {
  binary_reader in(encoded, what);
  T x{};
  in(x);
  return in.finish().map([&x] { return std::move(x); });
}

} // namespace maze::core
