#include "maze/core/submission_form.hpp"
#include "node/command_rules.hpp"

#include <fmt/format.h>

#include <charconv>

namespace maze::node {

core::result<command_flags> read_flags(const flag_texts& said) {
  command_flags out;
  const auto wrong = [](std::string_view flag, const std::string& text, std::string_view what) {
    return core::fail(core::errc::invalid_argument,
                      fmt::format("flag --{}: '{}' is not {}", flag, text, what));
  };
  const auto switch_of = [&](std::string_view name) {
    const auto found = said.find(name);
    return found != said.end() && found->second == "true";
  };
  out.detach = switch_of("detach");
  out.wait = switch_of("wait");
  out.standard_error = switch_of("stderr");
  out.follow = switch_of("follow");
  out.history = switch_of("history");
  if (const auto id = said.find("id"); id != said.end()) {
    if (id->second.empty() || id->second.size() > core::client_id_max)
      return wrong("id", id->second, "an id of 1 to 128 bytes");
    out.id = id->second;
  }
  if (const auto text = said.find("attempt"); text != said.end()) {
    const auto* end = text->second.data() + text->second.size();
    const auto [stop, fault] = std::from_chars(text->second.data(), end, out.attempt);
    if (fault != std::errc{} || stop != end || out.attempt == 0)
      return wrong("attempt", text->second, "a whole number from 1 on");
  }
  if (const auto role = said.find("role"); role != said.end()) {
    if (role->second != "both" && role->second != "master" && role->second != "worker")
      return wrong("role", role->second, "both, master or worker");
    out.role = role->second == "both"     ? start_role::both
               : role->second == "master" ? start_role::master
                                          : start_role::worker;
  }
  return out;
}

} // namespace maze::node
