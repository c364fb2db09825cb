#pragma once

#include <cstdint>
#include <string_view>

namespace maze::core {

/// The first byte of each encoded value. They lie on disk: append only.
enum class value_tag : std::uint8_t {
  nothing = 0,
  no = 1,
  yes = 2,
  integer = 3,
  real = 4,
  text = 5,
  raw = 6,
  sequence = 7,
  mapping = 8,
  blob = 9,
  object = 10,
};

/// What people call a value that starts so, as `type_name` does; empty for other numbers.
constexpr std::string_view type_name(value_tag x) noexcept {
  switch (x) {
  case value_tag::nothing:
    return "null";
  case value_tag::no:
  case value_tag::yes:
    return "bool";
  case value_tag::integer:
    return "int";
  case value_tag::real:
    return "float";
  case value_tag::text:
    return "string";
  case value_tag::raw:
    return "bytes";
  case value_tag::sequence:
    return "list";
  case value_tag::mapping:
    return "dict";
  case value_tag::blob:
    return "blob";
  case value_tag::object:
    return "object";
  }
  return {};
}

} // namespace maze::core
