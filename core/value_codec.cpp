#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "maze/core/value_tag.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace maze::core {

namespace {

using tag = value_tag;

/// Room for this many elements is made before the first is read; more grows with what is read.
constexpr std::uint64_t reserve_max = 64;

std::string_view as_text(const bytes& x) noexcept {
  return {reinterpret_cast<const char*>(x.data()), x.size()};
}

class encoder {
public:
  explicit encoder(const value_limits& limits) : limits_(limits) {}

  result<std::string> encode(const value& x) {
    put(x);
    if (fault_)
      return fail(std::move(*fault_));
    return std::move(out_).bytes();
  }

private:
  void refuse(errc code, std::string message) {
    if (!fault_)
      fault_ = error{.code = code, .message = std::move(message)};
  }

  /// Whether `more` bytes still fit; notes the fault before anything is copied.
  bool fits(std::size_t more) {
    if (!fault_ && (out_.size() > limits_.size_max || more > limits_.size_max - out_.size()))
      refuse(errc::limit_exceeded,
             fmt::format("the value takes more than {} bytes encoded", limits_.size_max));
    return !fault_;
  }

  void put_tag(tag x) { out_.byte(static_cast<std::uint8_t>(x)); }

  void put_text(std::string_view x) {
    if (!fits(x.size()))
      return;
    if (!is_utf8(x))
      return refuse(errc::malformed,
                    fmt::format("text of {} bytes is not UTF-8; give it as bytes", x.size()));
    out_.text(x);
  }

  void put(const value& x) {
    std::visit([this](const auto& held) { this->put_held(held); }, x.data);
    fits(0);
  }

  void put_held(null) { put_tag(tag::nothing); }
  void put_held(bool x) { put_tag(x ? tag::yes : tag::no); }
  void put_held(std::int64_t x) {
    put_tag(tag::integer);
    out_.signed_varint(x);
  }
  void put_held(double x) {
    put_tag(tag::real);
    out_.real(x);
  }
  void put_held(const std::string& x) {
    put_tag(tag::text);
    put_text(x);
  }
  void put_held(const bytes& x) {
    put_tag(tag::raw);
    if (fits(x.size()))
      out_.text(as_text(x));
  }
  void put_held(const list& xs) {
    put_tag(tag::sequence);
    out_.varint(xs.size());
    if (!enter())
      return;
    for (auto x = xs.begin(); x != xs.end() && !fault_; ++x)
      put(*x);
    --depth_;
  }
  void put_held(const dict& xs) {
    put_tag(tag::mapping);
    out_.varint(xs.size());
    if (!enter())
      return;
    for (auto x = xs.begin(); x != xs.end() && !fault_; ++x) {
      put_text(x->first);
      put(x->second);
    }
    --depth_;
  }
  void put_held(const blob_ref& x) {
    put_tag(tag::blob);
    out_(x.hash, x.size);
    put_text(x.type);
  }
  void put_held(const object_ref& x) {
    put_tag(tag::object);
    out_.fixed64(x.high);
    out_.fixed64(x.low);
  }

  bool enter() {
    if (depth_ >= limits_.depth_max) {
      refuse(errc::limit_exceeded,
             fmt::format("the value is nested deeper than {} levels", limits_.depth_max));
      return false;
    }
    ++depth_;
    return true;
  }

  value_limits limits_;
  binary_writer out_;
  std::uint32_t depth_ = 0;
  std::optional<error> fault_;
};

class decoder {
public:
  decoder(std::string_view encoded, const value_limits& limits)
      : in_(encoded, "value", limits.depth_max) {}

  result<value> decode() {
    value out = get();
    return in_.finish().map([&out] { return std::move(out); });
  }

private:
  value get() {
    const auto start = in_.offset();
    const auto first = in_.byte();
    if (!in_.ok())
      return {};
    switch (static_cast<tag>(first)) {
    case tag::nothing:
      return {};
    case tag::no:
      return false;
    case tag::yes:
      return true;
    case tag::integer:
      return in_.signed_varint();
    case tag::real:
      return in_.real();
    case tag::text:
      return get_text();
    case tag::raw:
      return get_bytes();
    case tag::sequence:
      return get_list();
    case tag::mapping:
      return get_dict();
    case tag::blob:
      return get_blob();
    case tag::object:
      return get_object();
    }
    in_.refuse(start, fmt::format("no value starts with byte {}", first));
    return {};
  }

  std::string get_text() {
    const auto start = in_.offset();
    const auto text = in_.text();
    if (!is_utf8(text)) {
      in_.refuse(start, "text that is not UTF-8");
      return {};
    }
    return std::string(text);
  }

  bytes get_bytes() {
    const auto text = in_.text();
    bytes out(text.size());
    std::transform(text.begin(), text.end(), out.begin(),
                   [](char c) { return static_cast<std::byte>(c); });
    return out;
  }

  list get_list() {
    const binary_reader::level deeper(in_);
    auto n = in_.count();
    list out;
    out.reserve(std::min(n, reserve_max));
    for (; in_.ok() && n > 0; --n)
      out.push_back(get());
    return out;
  }

  dict get_dict() {
    const binary_reader::level deeper(in_);
    dict out;
    for (auto n = in_.count(); in_.ok() && n > 0; --n) {
      const auto start = in_.offset();
      auto key = get_text();
      if (in_.ok() && !out.empty() && out.rbegin()->first >= key) {
        in_.refuse(start, "a key that is not greater than the one before");
        break;
      }
      out.emplace_hint(out.end(), std::move(key), get());
    }
    return out;
  }

  blob_ref get_blob() {
    blob_ref out;
    in_(out.hash, out.size);
    out.type = get_text();
    return out;
  }

  object_ref get_object() {
    object_ref out;
    out.high = in_.fixed64();
    out.low = in_.fixed64();
    return out;
  }

  binary_reader in_;
};

} // namespace

result<std::string> encode(const value& x, const value_limits& limits) {
  return encoder(limits).encode(x);
}

result<value> decode(std::string_view encoded, const value_limits& limits) {
  if (encoded.size() > limits.size_max)
    return fail(errc::limit_exceeded,
                fmt::format("value, byte {}: {} bytes are more than the {} "
                            "that a value may take",
                            limits.size_max, encoded.size(), limits.size_max));
  return decoder(encoded, limits).decode();
}

} // namespace maze::core
