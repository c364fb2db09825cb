#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// How numbers and texts lie in the packets of `init_protocol.hpp`.
namespace maze::sandbox::protocol {

/// Appends numbers and strings to a packet.
class writer {
public:
  template <class T>
  void number(T x) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    out_.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  void text(std::string_view x) {
    number(static_cast<std::uint32_t>(x.size()));
    out_.append(x);
    out_.push_back('\0');
  }
  template <class Rep>
  void maybe(const std::optional<Rep>& x) {
    number(static_cast<std::uint8_t>(x.has_value()));
    if (x)
      number(static_cast<std::uint64_t>(*x));
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Takes numbers and strings from a packet; every read after the first failure fails as well.
class reader {
public:
  reader(char* data, std::size_t size) noexcept : at_(data), left_(size) {}

  template <class T>
  bool number(T& x) noexcept {
    if (!ok_ || left_ < sizeof x)
      return ok_ = false;
    std::memcpy(&x, at_, sizeof x);
    advance(sizeof x);
    return true;
  }
  /// Only 0 and 1 are flags.
  bool flag(bool& x) noexcept {
    std::uint8_t raw = 0;
    if (!number(raw) || raw > 1)
      return ok_ = false;
    x = raw == 1;
    return true;
  }
  /// A C string inside the packet; a NUL inside the text is refused.
  bool text(char*& x) noexcept {
    std::uint32_t size = 0;
    if (!number(size) || left_ <= size || at_[size] != '\0'
        || std::memchr(at_, '\0', size) != nullptr)
      return ok_ = false;
    x = at_;
    advance(std::size_t{size} + 1);
    return true;
  }
  bool text(const char*& x) noexcept {
    char* found = nullptr;
    if (!text(found))
      return false;
    x = found;
    return true;
  }
  template <class Pointer>
  bool texts(std::vector<Pointer>& list) {
    std::uint32_t count = 0;
    // A text takes at least five bytes, so a count beyond that is a lie that must cost no memory.
    if (!number(count) || count > left_ / 5)
      return ok_ = false;
    list.resize(count);
    for (auto& x : list)
      if (!text(x))
        return false;
    return true;
  }
  bool maybe(std::optional<std::uint64_t>& x) {
    bool present = false;
    std::uint64_t value = 0;
    if (!flag(present))
      return false;
    if (present && number(value))
      x = value;
    return ok_;
  }
  [[nodiscard]] bool done() const noexcept { return ok_ && left_ == 0; }

private:
  void advance(std::size_t count) noexcept {
    at_ += count;
    left_ -= count;
  }

  char* at_;
  std::size_t left_;
  bool ok_ = true;
};

} // namespace maze::sandbox::protocol
