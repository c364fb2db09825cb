#include "maze/core/value_target.hpp"

#include "maze/core/misfit.hpp"

#include <fmt/format.h>

#include <variant>

namespace maze::core {

namespace {

/// What each kind of value is written with.
struct writer {
  value_target& to;

  void operator()(core::null) const { to.null(); }
  void operator()(bool x) const { to.truth(x); }
  void operator()(std::int64_t x) const { to.integer(x); }
  void operator()(double x) const { to.real(x); }
  void operator()(const std::string& x) const { to.text(x); }
  void operator()(const core::bytes& x) const {
    to.raw({reinterpret_cast<const char*>(x.data()), x.size()});
  }
  void operator()(const list& xs) const {
    const value_target::collection inner(to, value_tag::sequence, xs.size());
    std::size_t index = 0;
    try {
      for (; index < xs.size(); ++index)
        to.any(xs[index]);
    } catch (misfit& x) {
      x.inside(index);
      throw;
    }
  }
  void operator()(const dict& xs) const {
    const value_target::collection inner(to, value_tag::mapping, xs.size());
    auto at = xs.begin();
    try {
      for (; at != xs.end(); ++at) {
        to.key(at->first);
        to.any(at->second);
      }
    } catch (misfit& x) {
      x.inside(at->first);
      throw;
    }
  }
  // What refers to things in stores has no piecewise form, and no place inside that a fault could name.
  template <class T>
  void operator()(const T& x) const {
    to.reference(x);
  }
};

} // namespace

void value_target::claim(std::size_t more) const {
  if (out_.size() > limits_.size_max || more > limits_.size_max - out_.size()) [[unlikely]]
    throw misfit(fmt::format("takes more than {} bytes encoded", limits_.size_max),
                 errc::limit_exceeded);
}

void value_target::put_tag(value_tag x) {
  claim(1);
  out_.byte(static_cast<std::uint8_t>(x));
}

void value_target::integer(std::int64_t x) {
  put_tag(value_tag::integer);
  out_.signed_varint(x);
  claim(0);
}

void value_target::real(double x) {
  put_tag(value_tag::real);
  out_.real(x);
  claim(0);
}

void value_target::text(std::string_view x) {
  put_tag(value_tag::text);
  key(x);
}

void value_target::key(std::string_view x) {
  claim(x.size());
  if (!is_utf8(x))
    throw misfit(fmt::format("text of {} bytes is not UTF-8; give it as bytes", x.size()));
  out_.text(x);
  claim(0);
}

void value_target::raw(std::string_view x) {
  put_tag(value_tag::raw);
  claim(x.size());
  out_.text(x);
  claim(0);
}

void value_target::any(const value& x) { std::visit(writer{*this}, x.data); }

void value_target::reference(const value& x) {
  const auto encoded = encode(x);
  if (!encoded)
    throw misfit(encoded.error().message);
  claim(encoded->size());
  out_.raw(*encoded);
}

value_target::collection::collection(value_target& to, value_tag kind, std::size_t size) : to_(to) {
  if (to.depth_ >= to.limits_.depth_max)
    throw misfit(fmt::format("is nested deeper than {} levels", to.limits_.depth_max),
                 errc::limit_exceeded);
  to.put_tag(kind);
  to.out_.varint(size);
  to.claim(0);
  ++to.depth_;
}

} // namespace maze::core
