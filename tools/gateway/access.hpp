#pragma once

#include "maze/core/result.hpp"
#include "maze/io/http_message.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace maze::gateway {

/// Reads the token of a gateway from a file that only its owner may read, or makes a new one there: 256 random bits in
/// hexadecimal digits. Fails with `permission_denied` where others may read it, with `malformed` where it holds no token,
/// each saying what to do.
core::result<std::string> read_token(const std::filesystem::path& file);

/// Why a request is turned away, if it is: it came for another host's name, from a page of another site, or, unless it
/// asks for what anybody may see, without the token. Names and origins are those of this machine alone, at any port, so
/// that a forwarded port works; a page that has its own name lead here is not served.
std::optional<io::http_reply> turn_away(const io::http_request& asked, const std::string& token,
                                        bool for_anybody);

/// A reply that is one JSON object: `{error: {class, message, …}}`.
io::http_reply error_reply(std::uint32_t status, const core::error& why);

} // namespace maze::gateway
