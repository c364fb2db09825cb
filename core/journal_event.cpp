#include "maze/core/journal_event.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/overloaded.hpp"
#include "maze/core/value.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

constexpr std::string_view format_name = "journal event";

} // namespace

result<void> set_context(run_accepted& fact, const context_map& context) {
  fact.context.clear();
  fact.secrets.clear();
  for (const auto& [name, entry] : context) {
    if (entry.secret) {
      fact.secrets.push_back(name);
      continue;
    }
    auto encoded = encode(entry.content);
    if (!encoded) {
      encoded.error().message =
          fmt::format("context entry '{}': {}", name, encoded.error().message);
      return fail(std::move(encoded.error()));
    }
    fact.context.emplace(name, std::move(*encoded));
  }
  return {};
}

std::string encode_journal_event(const journal_event& event) {
  binary_writer out;
  out.byte(journal_event_format);
  out(event);
  return std::move(out).bytes();
}

result<journal_event> decode_journal_event(std::string_view encoded) {
  binary_reader in(encoded, format_name);
  const auto format = in.byte();
  if (in.ok() && format != journal_event_format)
    return fail(format > journal_event_format ? errc::unsupported_operation : errc::malformed,
                fmt::format("{}, byte 0: format {}, this maze reads format {}", format_name, format,
                            journal_event_format));
  journal_event event;
  in(event);
  return in.finish().map([&event] { return std::move(event); });
}

run_id run_of(const journal_event& event) noexcept {
  if (const auto* accepted = std::get_if<run_accepted>(&event))
    return accepted->run;
  if (const auto* progressed = std::get_if<run_progressed>(&event))
    return progressed->run;
  if (const auto* forgotten = std::get_if<run_forgotten>(&event))
    return forgotten->run;
  if (const auto* submitted = std::get_if<calls_submitted>(&event))
    return submitted->run;
  if (const auto* ended = std::get_if<calls_ended>(&event))
    return ended->run;
  return {};
}

std::uint8_t kind_of(const journal_event& event) noexcept {
  return static_cast<std::uint8_t>(event.index() + 1);
}

std::string_view name_of(const journal_event& event) noexcept {
  static constexpr auto name_of_fact = overloaded{
      [](const task_ended&) { return "task_ended"; },
      [](const attempt_failed&) { return "attempt_failed"; },
      [](const run_state_changed&) { return "run_state_changed"; },
  };
  return std::visit(overloaded{
                        [](const master_started&) { return "master_started"; },
                        [](const run_accepted&) { return "run_accepted"; },
                        [](const run_progressed& x) { return std::visit(name_of_fact, x.fact); },
                        [](const node_joined&) { return "node_joined"; },
                        [](const node_left&) { return "node_left"; },
                        [](const run_forgotten&) { return "run_forgotten"; },
                        [](const calls_submitted&) { return "calls_submitted"; },
                        [](const calls_ended&) { return "calls_ended"; },
                    },
                    event);
}

} // namespace maze::core
