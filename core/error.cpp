#include "maze/core/error.hpp"

#include <fmt/format.h>

#include <array>

namespace maze::core {

namespace {

struct errc_row {
  errc code;
  std::string_view name;
  bool retryable;
};

constexpr bool retryable = true;
constexpr bool permanent = false;

/// The one table of codes, in numeric order.
constexpr std::array rows{
    errc_row{errc::none, "none", permanent},
    errc_row{errc::user_exception, "user_exception", permanent},
    errc_row{errc::exit_nonzero, "exit_nonzero", permanent},
    errc_row{errc::signalled, "signalled", permanent},
    errc_row{errc::oom_killed, "oom_killed", permanent},
    errc_row{errc::timeout_wall, "timeout_wall", retryable},
    errc_row{errc::timeout_cpu, "timeout_cpu", retryable},
    errc_row{errc::sandbox_violation, "sandbox_violation", permanent},
    errc_row{errc::invalid_payload, "invalid_payload", permanent},
    errc_row{errc::permission_denied, "permission_denied", permanent},
    errc_row{errc::unsupported_operation, "unsupported_operation", permanent},
    errc_row{errc::untrusted_function, "untrusted_function", permanent},
    errc_row{errc::input_missing, "input_missing", permanent},
    errc_row{errc::upstream_failed, "upstream_failed", permanent},
    errc_row{errc::file_conflict, "file_conflict", permanent},
    errc_row{errc::transfer_error, "transfer_error", retryable},
    errc_row{errc::resource_exhausted, "resource_exhausted", retryable},
    errc_row{errc::node_lost, "node_lost", retryable},
    errc_row{errc::worker_crash, "worker_crash", retryable},
    errc_row{errc::actor_died, "actor_died", permanent},
    errc_row{errc::object_lost, "object_lost", retryable},
    errc_row{errc::cancelled, "cancelled", permanent},
    errc_row{errc::scheduler_error, "scheduler_error", permanent},
    errc_row{errc::invalid_argument, "invalid_argument", permanent},
    errc_row{errc::not_found, "not_found", permanent},
    errc_row{errc::already_exists, "already_exists", permanent},
    errc_row{errc::unschedulable, "unschedulable", permanent},
    errc_row{errc::io_error, "io_error", permanent},
    errc_row{errc::malformed, "malformed", permanent},
    errc_row{errc::stale, "stale", permanent},
    errc_row{errc::limit_exceeded, "limit_exceeded", permanent},
};

constexpr auto codes = [] {
  std::array<errc, rows.size()> out{};
  for (std::size_t i = 0; i < rows.size(); ++i)
    out[i] = rows[i].code;
  return out;
}();

constexpr const errc_row* row_of(errc code) noexcept {
  for (const auto& row : rows)
    if (row.code == code)
      return &row;
  return nullptr;
}

} // namespace

std::string_view to_string(errc code) noexcept {
  const auto* row = row_of(code);
  return row ? row->name : "unknown";
}

std::optional<errc> errc_from_string(std::string_view name) noexcept {
  for (const auto& row : rows)
    if (row.name == name)
      return row.code;
  return std::nullopt;
}

bool is_retryable(errc code) noexcept {
  const auto* row = row_of(code);
  return row && row->retryable;
}

bool is_known(errc code) noexcept { return row_of(code) != nullptr; }

std::span<const errc> all_errcs() noexcept { return codes; }

std::string describe(const error& what) {
  std::string out(to_string(what.code));
  if (!what.message.empty())
    out += ": " + what.message;
  std::string known = what.origin;
  const auto add = [&known](const std::string& part) {
    if (!known.empty())
      known += "; ";
    known += part;
  };
  if (what.exit_code >= 0)
    add(fmt::format("exit {}", what.exit_code));
  if (what.signal != 0)
    add(fmt::format("signal {}", what.signal));
  return known.empty() ? out : out + " (" + known + ")";
}

} // namespace maze::core
