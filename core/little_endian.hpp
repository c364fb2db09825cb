#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

/// Numbers in frames of calls: least significant byte first, as the machine has them.
namespace maze::core::little_endian {

static_assert(std::endian::native == std::endian::little);

/// @pre `at + sizeof(T) <= bytes.size()`
template <class T>
T load(std::string_view bytes, std::size_t at) noexcept {
  T out;
  std::memcpy(&out, bytes.data() + at, sizeof(T));
  return out;
}

template <class T>
void append(std::string& out, T x) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &x, sizeof(T));
  out.append(bytes, sizeof(T));
}

} // namespace maze::core::little_endian
