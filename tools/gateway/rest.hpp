#pragma once

#include "gateway/operation.hpp"
#include "maze/io/http_message.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace maze::gateway {

/// One way to ask for an operation over HTTP.
struct route {
  std::string_view method;
  /// Below `/api/v1`, for example `/runs/{run}/tasks`: a part in braces is a parameter; one that ends in `...` takes all
  /// that follows.
  std::string_view path;
  std::string_view operation;
  /// The parameter that the content of the request is; empty where it has none.
  std::string_view body = {};
  /// The content of a file is sent as it is.
  bool raw = false;
};

std::span<const route> routes();

/// The HTTP status for why something was not done.
std::uint32_t status_of(core::errc code);

/// Answers a request below `/api/v1`: finds its route, puts parameters together from its path, query and content, and
/// carries the operation out. JSON, or what the command line prints where the request prefers `text/plain`.
/// `GET /api/v1` lists the routes.
io::http_reply answer_rest(operator_desk& desk, io::http_request asked);

/// How many bytes of content a request may have.
std::uint64_t content_max(const io::http_request& asked);

} // namespace maze::gateway
