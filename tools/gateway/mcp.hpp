#pragma once

#include "gateway/operation.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace maze::gateway {

/// Answers one message of the Model Context Protocol, JSON-RPC 2.0, in which each operation is a tool; nothing for a
/// notification and for a response, which have no answer. A text that is none gets the error that the protocol has for it.
///
/// Source: https://modelcontextprotocol.io/specification/2025-06-18
/// @note Thread-safe; blocks as the operation does.
std::optional<std::string> answer_mcp(operator_desk& desk, std::string_view message);

} // namespace maze::gateway
