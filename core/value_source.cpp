#include "maze/core/value_source.hpp"

#include "maze/core/misfit.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

[[noreturn]] void other_than(std::string_view wanted, value_tag there) {
  if (type_name(there).empty())
    throw misfit("bytes that are no value");
  throw misfit(fmt::format("expected {}, got {}", wanted, type_name(there)));
}

} // namespace

value_tag value_source::next() const {
  if (in_.remaining() == 0)
    throw misfit("the value ends before its end");
  return static_cast<value_tag>(static_cast<unsigned char>(bytes_[in_.offset()]));
}

void value_source::check() const {
  if (in_.ok()) [[likely]]
    return;
  auto copy = in_;
  const error fault = copy.finish().error();
  throw misfit(fault.message,
               fault.code == errc::limit_exceeded ? fault.code : errc::invalid_payload);
}

void value_source::expect(value_tag wanted) {
  if (const value_tag there = next(); there != wanted) [[unlikely]]
    other_than(type_name(wanted), there);
  in_.byte();
}

bool value_source::take_null() {
  if (next() != value_tag::nothing)
    return false;
  in_.byte();
  return true;
}

void value_source::null() { expect(value_tag::nothing); }

bool value_source::truth() {
  const value_tag there = next();
  if (there != value_tag::no && there != value_tag::yes)
    other_than("bool", there);
  in_.byte();
  return there == value_tag::yes;
}

std::int64_t value_source::integer() {
  expect(value_tag::integer);
  const auto out = in_.signed_varint();
  check();
  return out;
}

double value_source::real() {
  if (next() == value_tag::integer)
    return static_cast<double>(integer());
  expect(value_tag::real);
  const auto out = in_.real();
  check();
  return out;
}

std::string_view value_source::checked_text() {
  const auto out = in_.text();
  check();
  if (!is_utf8(out))
    throw misfit("text that is not UTF-8");
  return out;
}

std::string_view value_source::text() {
  expect(value_tag::text);
  return checked_text();
}

std::string_view value_source::raw() {
  expect(value_tag::raw);
  const auto out = in_.text();
  check();
  return out;
}

value value_source::any() {
  const auto encoded = skip();
  auto out = decode(encoded, {.size_max = encoded.size()});
  if (!out)
    throw misfit(out.error().message, out.error().code == errc::limit_exceeded
                                          ? errc::limit_exceeded
                                          : errc::invalid_payload);
  return *std::move(out);
}

std::string_view value_source::skip() {
  const auto start = in_.offset();
  pass();
  return bytes_.substr(start, in_.offset() - start);
}

void value_source::pass() {
  const value_tag there = next();
  switch (there) {
  case value_tag::nothing:
  case value_tag::no:
  case value_tag::yes:
    in_.byte();
    return;
  case value_tag::integer:
    integer();
    return;
  case value_tag::real:
    real();
    return;
  case value_tag::text:
    text();
    return;
  case value_tag::raw:
    raw();
    return;
  case value_tag::sequence:
  case value_tag::mapping: {
    collection inner(*this, there);
    for (auto n = inner.size(); n > 0; --n) {
      if (there == value_tag::mapping)
        inner.key();
      pass();
    }
    return;
  }
  case value_tag::blob:
    in_.byte();
    in_.raw(16);
    in_.varint();
    checked_text();
    return;
  case value_tag::object:
    in_.byte();
    in_.raw(16);
    check();
    return;
  }
  other_than({}, there);
}

void value_source::finish() {
  if (in_.remaining() != 0)
    throw misfit("bytes that belong to no value");
}

value_source::collection::collection(value_source& from, value_tag kind)
    : from_((from.expect(kind), from)), deeper_(from.in_), size_(from.in_.count()) {
  from.check();
}

std::string_view value_source::collection::key() {
  const auto out = from_.checked_text();
  if (!first_ && out <= last_key_)
    throw misfit("a key that is not greater than the one before");
  first_ = false;
  last_key_ = out;
  return out;
}

} // namespace maze::core
