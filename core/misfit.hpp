#pragma once

#include "maze/core/error.hpp"

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

namespace maze {

/// A value that does not fit where it should go. Conversions of arguments and results throw it, those that
/// users write as well; it becomes the error of the call and names the place inside the value.
class misfit : public std::exception {
public:
  /// `why` is what is wrong, for example `expected int, got string`. It never shows the value, which may be
  /// a secret.
  explicit misfit(std::string why, core::errc code = core::errc::invalid_payload);

  /// The place and what is wrong there: `[3].name: expected int, got string`.
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] core::errc code() const noexcept { return code_; }
  /// Whether a place inside the value is known.
  [[nodiscard]] bool placed() const noexcept { return !place_.empty(); }
  /// Says that the place lies in this element of a list.
  void inside(std::size_t index);
  /// Says that the place lies under this key of a dictionary.
  void inside(std::string_view key);

private:
  void renew();

  std::string why_;
  std::string place_;
  std::string text_;
  core::errc code_;
};

} // namespace maze
