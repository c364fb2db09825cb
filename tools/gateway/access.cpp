#include "gateway/access.hpp"

#include "gateway/operation.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/private_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

/// The name in `127.0.0.1:7420`, `[::1]:7420` or `localhost`.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('['))
    return authority.substr(0, std::min(authority.find(']'), authority.size() - 1) + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_this_machine(std::string_view authority) {
  constexpr std::array names{std::string_view("127.0.0.1"), std::string_view("localhost"),
                             std::string_view("[::1]")};
  return std::find(names.begin(), names.end(), host_of(authority)) != names.end();
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
  while (!text->empty() && (text->back() == '\n' || text->back() == ' '))
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
  if (const auto origin = asked.header("origin"); !origin.empty()) {
    constexpr std::string_view scheme = "http://";
    if (!origin.starts_with(scheme) || origin.substr(scheme.size()) != asked.header("host"))
      return error_reply(403, denied("pages of other sites may not ask this gateway"));
  }
  if (for_anybody)
    return std::nullopt;
  constexpr std::string_view scheme = "Bearer ";
  const auto said = asked.header("authorization");
  if (said.starts_with(scheme) && equal(said.substr(scheme.size()), token))
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
