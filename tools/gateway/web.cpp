#include "gateway/web.hpp"

#include "gateway/access.hpp"
#include "gateway/mcp.hpp"
#include "gateway/rest.hpp"

#include <exception>
#include <malloc.h>
#include <utility>

namespace maze::gateway {

namespace {

/// The page has its style and its script in itself, and nothing else may be loaded or asked.
constexpr std::string_view page_rules =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
    "'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::size_t large_content = std::size_t{1} << 20;

bool is_page(const io::http_request& asked) { return asked.target.path.empty(); }

bool is_api(const io::http_request& asked) {
  const auto& path = asked.target.path;
  return path.size() >= 2 && path[0] == "api" && path[1] == "v1";
}

bool is_mcp(const io::http_request& asked) {
  return asked.target.path == std::vector<std::string>{"mcp"};
}

io::http_reply not_for(const io::http_request& asked, std::string_view allowed) {
  auto out = error_reply(405, {.code = core::errc::unsupported_operation,
                               .message = "this place takes " + std::string(allowed) + ", not "
                                          + asked.method.substr(0, 20),
                               .origin = "gateway"});
  out.headers.emplace_back("Allow", allowed);
  return out;
}

io::http_reply page(const io::http_request& asked) {
  if (asked.method != "GET")
    return not_for(asked, "GET");
  io::http_reply out;
  out.type = "text/html; charset=utf-8";
  out.body = dashboard_page();
  out.headers.emplace_back("Content-Security-Policy", page_rules);
  out.headers.emplace_back("Referrer-Policy", "no-referrer");
  return out;
}

/// The protocol's HTTP transport without streams: each message gets one answer.
io::http_reply mcp(operator_desk& desk, const io::http_request& asked) {
  if (asked.method != "POST")
    return not_for(asked, "POST");
  io::http_reply out;
  auto answer = answer_mcp(desk, asked.body);
  out.status = answer ? 200 : 202;
  if (answer) {
    out.type = "application/json";
    out.body = std::move(*answer);
  }
  return out;
}

io::http_reply answer(operator_desk& desk, io::http_request asked) {
  if (is_page(asked))
    return page(asked);
  if (is_mcp(asked))
    return mcp(desk, asked);
  if (is_api(asked))
    return answer_rest(desk, std::move(asked));
  return error_reply(404, {.code = core::errc::not_found,
                           .message = "there is nothing here: / is the dashboard, /api/v1 the API, "
                                      "/mcp speaks the Model Context Protocol",
                           .origin = "gateway"});
}

/// A defect costs the request that met it, and nobody else's.
io::http_reply answer_soundly(operator_desk& desk, io::http_request asked) {
  try {
    return answer(desk, std::move(asked));
  } catch (const std::exception& bug) {
    return error_reply(500, {.code = core::errc::scheduler_error,
                             .message = std::string("this is a defect of maze: ") + bug.what(),
                             .origin = "gateway"});
  }
}

/// What every answer says: nothing of it is kept by others, or taken for what it is not.
io::http_reply guarded(io::http_reply reply) {
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return reply;
}

} // namespace

io::http_handlers web_handlers(operator_desk& desk, std::string token) {
  return {.admit = [token = std::move(token)](const io::http_request& asked)
              -> tl::expected<std::uint64_t, io::http_reply> {
            if (auto away = turn_away(asked, token, is_page(asked)))
              return tl::unexpected(guarded(std::move(*away)));
            return is_page(asked) ? 0 : content_max(asked);
          },
          .answer =
              [&desk](io::http_request asked) {
                const bool large = asked.body.size() > large_content;
                auto out = guarded(answer_soundly(desk, std::move(asked)));
                // What was made of it is many times as large, and would stay with this thread.
                if (large)
                  ::malloc_trim(0);
                return out;
              }};
}

} // namespace maze::gateway
