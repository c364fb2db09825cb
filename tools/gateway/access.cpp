#include "gateway/access.hpp"

#include "gateway/operation.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/private_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace maze::gateway {

namespace {

/// In hexadecimal digits.
constexpr std::size_t token_digits = 64;
constexpr std::size_t token_file_max = 1024;

std::string new_token() {
  std::random_device source;
  std::string out;
  while (out.size() < token_digits)
    out += fmt::format("{:08x}", source());
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

/// Whether this is a name of this machine, as in `127.0.0.1:7420` or `localhost`, and nothing else.
bool is_this_machine(std::string_view authority) {
  const std::string text = lower(authority);
  for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"}) {
    if (!std::string_view(text).starts_with(name))
      continue;
    const auto port = std::string_view(text).substr(name.size());
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (port.empty()
        || (port.size() > 1 && port[0] == ':'
            && std::all_of(port.begin() + 1, port.end(), is_digit)))
      return true;
  }
  return false;
}

/// Takes as long for any text of one length.
bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size())
    return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

core::error denied(std::string message) {
  return {
      .code = core::errc::permission_denied, .message = std::move(message), .origin = "gateway"};
}

} // namespace

core::result<std::string> read_token(const std::filesystem::path& file) {
  auto text = io::read_private(file, token_file_max);
  if (!text && text.error().code == core::errc::not_found) {
    if (auto made = io::make_folders(file.parent_path()); !made)
      return core::fail(made.error());
    if (auto written = io::replace_file(file, new_token() + "\n", 0600); !written)
      return core::fail(written.error());
    text = io::read_private(file, token_file_max);
  }
  if (!text)
    return core::fail(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  const auto odd = [](char c) { return c <= ' ' || c > '~'; };
  if (text->size() < token_digits / 2 || std::any_of(text->begin(), text->end(), odd))
    return core::fail(core::errc::malformed,
                      fmt::format("{} holds no token, which is at least {} printable characters: "
                                  "remove it, and a new one is made",
                                  file.string(), token_digits / 2),
                      "gateway");
  return text;
}

std::optional<io::http_reply> turn_away(const io::http_request& asked, const std::string& token,
                                        bool for_anybody) {
  if (!is_this_machine(asked.header("host")))
    return error_reply(421, denied("this gateway answers to 127.0.0.1 and localhost alone"));
  if (asked.headers.contains("origin")
      && lower(asked.header("origin")) != "http://" + lower(asked.header("host")))
    return error_reply(403, denied("pages of other sites may not ask this gateway"));
  if (for_anybody)
    return std::nullopt;
  constexpr std::string_view scheme = "bearer ";
  const auto said = asked.header("authorization");
  if (lower(said.substr(0, scheme.size())) == scheme && equal(said.substr(scheme.size()), token))
    return std::nullopt;
  auto out = error_reply(401, denied(said.empty()
                                         ? "the token is missing: send the header 'Authorization: "
                                           "Bearer TOKEN'; 'maze-node serve' says where it is"
                                         : "this is not the token of this gateway"));
  out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"maze\"");
  return out;
}

io::http_reply error_reply(std::uint32_t status, const core::error& why) {
  io::http_reply out;
  out.status = status;
  out.type = "application/json";
  out.body =
      view_of(refused(why)).dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return out;
}

} // namespace maze::gateway
