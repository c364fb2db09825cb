#pragma once

#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "maze/core/value_tag.hpp"

#include <cstdint>
#include <string_view>

namespace maze::core {

/// Reads encoded values piece by piece, without making a `value` of them: what arguments of functions are read
/// with. Every reading throws `misfit` where something else is there, or bytes that are no value.
///
/// @note Refers to the bytes it was given. Not thread-safe.
class value_source {
public:
  /// Lists and dictionaries may lie `depth_max` deep inside each other.
  explicit value_source(std::string_view encoded,
                        std::uint32_t depth_max = value_limits{}.depth_max)
      : bytes_(encoded), in_(encoded, "value", depth_max) {}

  /// Takes a null if one comes next.
  bool take_null();
  void null();
  bool truth();
  std::int64_t integer();
  /// An int, too, as it stands wherever a float is declared.
  double real();
  /// UTF-8; refers to the bytes.
  std::string_view text();
  /// Any bytes; refers to them.
  std::string_view raw();
  /// Any value.
  value any();
  /// Passes over any value and gives back its bytes.
  std::string_view skip();
  /// What comes next.
  [[nodiscard]] value_tag next() const;
  /// Throws unless everything was read.
  void finish();

  /// A list or dictionary that is being read, one element after the other. It must be read to its end.
  class collection {
  public:
    collection(value_source& from, value_tag kind);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// The key of the next entry of a dictionary.
    std::string_view key();

  private:
    value_source& from_;
    binary_reader::level deeper_;
    std::uint64_t size_ = 0;
    std::string_view last_key_;
    bool first_ = true;
  };

private:
  void expect(value_tag wanted);
  void check() const;
  std::string_view checked_text();
  void pass();

  std::string_view bytes_;
  binary_reader in_;
};

} // namespace maze::core
