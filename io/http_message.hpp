#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::io {

/// What the first line of a request asks for.
struct http_target {
  /// The parts of the path, decoded: `/runs/a%20b/` is `{"runs", "a b"}`. None is empty.
  std::vector<std::string> path;
  std::map<std::string, std::string> query;

  friend bool operator==(const http_target&, const http_target&) = default;
};

/// Reads the target of a request in origin form (RFC 9112, 3.2.1): a path, and a query of `name=value`
/// joined by `&`, where `+` is a blank. Fails with `malformed` for any other form, for escapes that are none, for a zero byte,
/// and for a name that comes twice.
core::result<http_target> parse_target(std::string_view text);

struct http_request {
  /// In capitals, as it came.
  std::string method;
  http_target target;
  /// By name in lower case; values of a name that comes several times are joined by `, `.
  std::map<std::string, std::string> headers;
  /// Empty until the request was admitted.
  std::string body;

  /// Empty where it is missing.
  [[nodiscard]] std::string_view header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string_view() : std::string_view(at->second);
  }
};

struct http_reply {
  std::uint32_t status = 200;
  /// Of the content, for example `application/json`.
  std::string type;
  std::string body;
  /// Where it is open, its whole content is sent instead of `body`.
  unique_fd file;
  std::vector<std::pair<std::string, std::string>> headers;
};

} // namespace maze::io
