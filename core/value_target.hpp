#pragma once

#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "maze/core/value_tag.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace maze::core {

/// Writes an encoded value piece by piece, without making a `value` first: what results of functions are written
/// with. Every writing throws `misfit` where the value would pass the limits or is none.
///
/// @note A value type; not thread-safe.
class value_target {
public:
  explicit value_target(const value_limits& limits = {}) : limits_(limits) {}

  void null() { put_tag(value_tag::nothing); }
  void truth(bool x) { put_tag(x ? value_tag::yes : value_tag::no); }
  void integer(std::int64_t x);
  void real(double x);
  /// Refuses what is not UTF-8.
  void text(std::string_view x);
  void raw(std::string_view x);
  /// A value that refers to what lies in stores.
  void reference(const value& x);
  /// Any value; misfits name the place inside it.
  void any(const value& x);
  /// One key of a dictionary; its value is written next.
  void key(std::string_view x);

  /// A list or dictionary of `size` elements, which are written while it lives.
  class collection {
  public:
    collection(value_target& to, value_tag kind, std::size_t size);
    collection(const collection&) = delete;
    collection& operator=(const collection&) = delete;
    ~collection() { --to_.depth_; }

  private:
    value_target& to_;
  };

  [[nodiscard]] const std::string& bytes() const& noexcept { return out_.bytes(); }
  [[nodiscard]] std::string bytes() && noexcept { return std::move(out_).bytes(); }

private:
  void put_tag(value_tag x);
  /// Throws unless `more` bytes fit, before anything is copied.
  void claim(std::size_t more) const;

  binary_writer out_;
  value_limits limits_;
  std::uint32_t depth_ = 0;
};

} // namespace maze::core
