#include "maze/io/hello.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/printable.hpp"
#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/random.h>

namespace maze::io {

namespace {

using core::errc;

constexpr std::string_view magic = "MAZE";
/// Of header and order of fields; the fingerprint stays first whatever else changes.
constexpr char format = 1;
constexpr std::size_t refusal_text_max = 1024;
constexpr std::size_t version_length_max = 64;

std::string frame(hello_kind kind, std::string_view body) {
  std::string out(magic);
  out += static_cast<char>(kind);
  out += format;
  out += static_cast<char>(body.size() & 0xff);
  out += static_cast<char>(body.size() >> 8);
  out += body;
  return out;
}

tl::unexpected<hello_fault> refuse(refusal why, errc code, std::string message) {
  return tl::unexpected<hello_fault>(
      hello_fault{.why = why, .what = {.code = code, .message = std::move(message)}});
}

} // namespace

std::string to_string(const protocol_fingerprint& x) {
  return fmt::format("maze {} (message types {:016x})",
                     core::printable(std::string_view(x.version).substr(0, version_length_max)),
                     x.types);
}

std::string_view to_string(plane x) noexcept {
  switch (x) {
  case plane::control:
    return "control";
  case plane::bulk:
    return "bulk";
  }
  return "unknown";
}

bool is_known(plane x) noexcept { return x == plane::control || x == plane::bulk; }

bool is_known(hello_kind x) noexcept {
  return x == hello_kind::introduces || x == hello_kind::accepts || x == hello_kind::refuses;
}

std::string encode_hello(const hello& x, hello_kind kind) {
  return frame(kind, core::to_binary(x));
}

std::string encode_refusal(const core::error& why) {
  core::binary_writer out;
  out(why.code);
  out.text(std::string_view(why.message).substr(0, refusal_text_max));
  return frame(hello_kind::refuses, out.bytes());
}

core::result<core::session_ticket> make_ticket() {
  std::array<std::uint64_t, 2> random{};
  // So few bytes come whole, and without waiting once the system has started.
  if (::getrandom(random.data(), sizeof random, 0) != sizeof random)
    return core::fail(errno_error("getrandom", errno));
  return core::session_ticket{{.high = random[0], .low = random[1]}};
}

core::result<hello_header> decode_header(std::string_view bytes) {
  if (bytes.size() != hello_header_size || !bytes.starts_with(magic) || bytes[5] != format)
    return core::fail(errc::malformed, "it does not speak as a maze node does");
  const auto kind = static_cast<hello_kind>(bytes[4]);
  const auto low = static_cast<std::uint8_t>(bytes[6]), high = static_cast<std::uint8_t>(bytes[7]);
  const auto length = static_cast<std::size_t>(low) | static_cast<std::size_t>(high) << 8;
  if (!is_known(kind))
    return core::fail(errc::malformed, "its hello is of no known kind");
  if (length > hello_body_max)
    return core::fail(errc::malformed, fmt::format("its hello announces {} bytes, {} are allowed",
                                                   length, hello_body_max));
  return hello_header{.kind = kind, .length = length};
}

core::result<core::error> decode_refusal(std::string_view body) {
  core::binary_reader in(body, "refusal");
  core::error why;
  in(why.code, why.message);
  if (auto fine = in.finish(); !fine)
    return core::fail(fine.error());
  why.message = core::printable(std::string_view(why.message).substr(0, refusal_text_max));
  if (why.code == errc::none)
    why.code = errc::permission_denied;
  return why;
}

tl::expected<hello, hello_fault> judge_hello(std::string_view body, const hello_rules& rules) {
  core::binary_reader first(body, "hello");
  protocol_fingerprint theirs;
  first(theirs);
  if (!first.ok())
    return refuse(refusal::not_maze, errc::malformed, first.finish().error().message);
  if (theirs != rules.own.protocol)
    return refuse(refusal::protocol, errc::stale,
                  fmt::format("the two ends do not speak the same protocol: {} has {}, the peer "
                              "has {}; install the same build on both",
                              to_string(rules.own.who), to_string(rules.own.protocol),
                              to_string(theirs)));
  auto decoded = core::from_binary<hello>(body, "hello");
  if (!decoded)
    return refuse(refusal::not_maze, errc::malformed, decoded.error().message);
  const auto& who = decoded->who;
  if (auto fine = check_node_name(who.name); !fine)
    return refuse(refusal::not_maze, errc::malformed, fine.error().message);
  if (who.cluster != rules.own.who.cluster)
    return refuse(refusal::cluster, errc::permission_denied,
                  fmt::format("{} belongs to cluster {}, {} to cluster {}; use a join file or "
                              "socket of the same cluster",
                              to_string(who), to_string(who.cluster), to_string(rules.own.who),
                              to_string(rules.own.who.cluster)));
  if (rules.certified && *rules.certified != who)
    return refuse(refusal::identity, errc::permission_denied,
                  fmt::format("the peer calls itself {}, but its certificate names {}",
                              to_string(who), to_string(*rules.certified)));
  const bool served = decoded->purpose == plane::control ? rules.control : rules.bulk;
  if (!served)
    return refuse(refusal::plane, errc::invalid_argument,
                  fmt::format("{} does not serve the {} plane to {}; control connections go to "
                              "the master",
                              to_string(rules.own.who), to_string(decoded->purpose),
                              to_string(who)));
  return std::move(*decoded);
}

} // namespace maze::io
