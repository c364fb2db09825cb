#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

/// Base 64 with the standard alphabet and padding. Source: RFC 4648, section 4.
std::string to_base64(std::string_view bytes);
/// The inverse; nothing unless `text` is what `to_base64` writes, so no line breaks, no missing
/// padding, no stray bits.
std::optional<std::string> from_base64(std::string_view text);

} // namespace maze::io
