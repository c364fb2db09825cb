#include "maze/core/codec.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

namespace maze::core {

namespace {

constexpr std::uint64_t one_nan = 0x7FF8000000000000;

} // namespace

void binary_writer::fixed64(std::uint64_t x) {
  for (int shift = 0; shift < 64; shift += 8)
    byte(static_cast<std::uint8_t>(x >> shift));
}

void binary_writer::varint(std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    byte(static_cast<std::uint8_t>(x | 0x80));
  byte(static_cast<std::uint8_t>(x));
}

void binary_writer::signed_varint(std::int64_t x) {
  const auto bits = static_cast<std::uint64_t>(x);
  varint(bits << 1 ^ (x < 0 ? ~std::uint64_t{0} : 0));
}

void binary_writer::real(double x) {
  fixed64(std::isnan(x) ? one_nan : std::bit_cast<std::uint64_t>(x));
}

void binary_writer::text(std::string_view x) {
  varint(x.size());
  raw(x);
}

std::string_view binary_reader::raw(std::uint64_t size) {
  if (size > remaining()) {
    refuse(at_, fmt::format("{} bytes should follow, {} remain", size, remaining()));
    return {};
  }
  const auto out = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += out.size();
  return out;
}

std::uint8_t binary_reader::byte() {
  const auto one = raw(1);
  return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
}

std::uint64_t binary_reader::fixed64() {
  std::uint64_t x = 0;
  int shift = 0;
  for (const char c : raw(8)) {
    x |= std::uint64_t{static_cast<std::uint8_t>(c)} << shift;
    shift += 8;
  }
  return x;
}

std::uint64_t binary_reader::varint() {
  const auto start = at_;
  std::uint64_t x = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto next = byte();
    if (!ok())
      return 0;
    const std::uint64_t bits = next & 0x7FU;
    if (shift == 63 && bits > 1)
      break;
    x |= bits << shift;
    if ((next & 0x80) != 0)
      continue;
    if (next == 0 && shift > 0) {
      refuse(start, "a number that is not written in its shortest form");
      return 0;
    }
    return x;
  }
  refuse(start, "a number of more than 64 bits");
  return 0;
}

std::int64_t binary_reader::signed_varint() {
  const auto folded = varint();
  return static_cast<std::int64_t>(folded >> 1 ^ (~(folded & 1) + 1));
}

double binary_reader::real() {
  const auto start = at_;
  const auto bits = fixed64();
  const auto x = std::bit_cast<double>(bits);
  if (std::isnan(x) && bits != one_nan)
    refuse(start, "a NaN that is not the canonical one");
  return x;
}

std::string_view binary_reader::text() { return raw(varint()); }

std::uint64_t binary_reader::count() {
  const auto start = at_;
  const auto n = varint();
  if (n <= remaining())
    return n;
  refuse(start, fmt::format("{} elements should follow, but only {} bytes remain", n, remaining()));
  return 0;
}

void binary_reader::get(bool& x) {
  const auto start = at_;
  const auto bit = byte();
  if (bit > 1)
    refuse(start, "a truth value that is neither 0 nor 1");
  x = bit == 1;
}

void binary_reader::refuse(std::size_t offset, std::string_view why, errc code) {
  if (fault_)
    return;
  fault_ = error{.code = code, .message = fmt::format("{}, byte {}: {}", what_, offset, why)};
  at_ = bytes_.size();
}

result<void> binary_reader::finish() {
  if (remaining() != 0)
    refuse(at_, fmt::format("{} bytes too many", remaining()));
  if (fault_)
    return fail(*fault_);
  return {};
}

binary_reader::level::level(binary_reader& reader) : reader_(reader) {
  if (++reader_.depth_ > reader_.depth_max_)
    reader_.refuse(reader_.at_, fmt::format("nested deeper than {} levels", reader_.depth_max_),
                   errc::limit_exceeded);
}

} // namespace maze::core
