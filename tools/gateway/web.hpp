#pragma once

#include "gateway/operation.hpp"
#include "maze/io/http_server.hpp"

#include <string>
#include <string_view>

namespace maze::gateway {

/// The dashboard: one page, which asks `/api/v1`.
std::string_view dashboard_page();

/// What a gateway answers over HTTP: the page at `/`, the API below `/api/v1`, MCP at `/mcp`. All but the page wants `token`.
/// `desk` must outlive the handlers.
io::http_handlers web_handlers(operator_desk& desk, std::string token);

} // namespace maze::gateway
