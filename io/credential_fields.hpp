#pragma once

#include "maze/core/result.hpp"
#include "maze/core/value.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// Takes the fields of a JSON object one after the other and keeps the first thing that is wrong with
/// them, by the field's name; so a reader may take all fields and ask `finish` once.
///
/// @note Not thread-safe.
class credential_fields {
public:
  /// Longest list of texts.
  static constexpr std::size_t texts_max = 16;

  /// `what` names the format in errors, for example `join file`. `text` is at most 64 KiB of JSON: one
  /// object whose field `version_field` is 1. `remedy` says what to do about damage. No error shows content.
  credential_fields(std::string_view text, std::string_view what, std::string_view version_field,
                    std::string_view remedy);

  /// A text that is not empty; empty when something is wrong.
  std::string text(std::string_view field);
  /// A list of 1 to `texts_max` texts.
  std::vector<std::string> texts(std::string_view field);
  /// Notes what is wrong with a field's content, unless something was wrong before.
  void refuse(std::string_view field, std::string_view why);
  [[nodiscard]] bool ok() const noexcept { return !fault_; }
  /// The first fault, or that a field was never taken.
  core::result<void> finish();

private:
  void note(core::errc code, std::string message);
  std::optional<core::value> take(std::string_view field);

  std::string what_;
  std::string remedy_;
  core::dict fields_;
  std::optional<core::error> fault_;
};

} // namespace maze::io
