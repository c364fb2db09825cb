#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_state.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

enum class log_level : std::uint8_t { debug = 1, info = 2, warning = 3, error = 4, off = 5 };

/// `debug`, `info`, `warning`, `error`, `off`.
std::string_view to_string(log_level x) noexcept;
/// The inverse.
std::optional<log_level> log_level_from_string(std::string_view name) noexcept;

/// One `name=value` of a log line.
struct log_field {
  std::string name;
  std::string value;
};

/// The fields that lines about runs and tasks carry: `run=3x7k`, `task=count`, `attempt=1.42`
/// (epoch and counter).
log_field field(core::run_id run);
log_field task_field(std::string_view name);
log_field field(core::attempt_id attempt);

/// Replaces secret texts by `[secret]`. Knows texts as they are, not their encodings (base64, URL).
///
/// @note Thread-safe.
class redactor {
public:
  /// From now on `secret` is never shown; an empty one is ignored.
  void hide(std::string secret);
  [[nodiscard]] std::string redact(std::string_view text) const;
  /// Whether there is nothing to hide, so that nobody needs to look.
  [[nodiscard]] bool empty() const;

private:
  mutable std::shared_mutex guards_secrets_;
  /// Longest first, so that a secret inside another one does not leave the rest of it readable.
  std::vector<std::string> secrets_;
};

/// One line per event, to one file or to standard error:
/// `2026-11-21T07:55:52.123456Z debug [Sync] fetched inputs run=3x7k task=count attempt=1.42 files=12`.
/// Times are UTC. Texts are redacted and escaped (`core::printable`); a field's value with a space, a
/// quote or an equals sign stands in quotes. So a line has one reading, whatever a task is called.
///
/// @note Thread-safe. Lines from `info` up reach the file at once, `debug` lines with the next of them.
class log {
public:
  struct options {
    log_level level = log_level::info;
    /// Lines are appended to this file; empty: standard error.
    std::filesystem::path file;
  };

  /// Fails with `io_error` naming the file.
  static core::result<std::unique_ptr<log>> open(const options& settings);
  ~log();

  [[nodiscard]] bool shows(log_level level) const noexcept;
  void event(log_level level, std::string_view text, std::initializer_list<log_field> fields = {});
  /// An event of an attempt's phase, at level `debug`, tagged `[Sync]`, `[Resolve]`, `[Execute]` or
  /// `[Push]`.
  void event(core::phase at, std::string_view text, std::initializer_list<log_field> fields = {});
  /// What no line may show.
  [[nodiscard]] redactor& secrets() noexcept;
  void flush();
  /// Why lines are missing, as the first that could not be written told; empty where none is.
  [[nodiscard]] std::string failure() const;

private:
  struct data;
  explicit log(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

/// Lets at most `burst` events through per `interval` and counts the others, for events that a fault
/// may repeat a million times.
///
/// @note Not thread-safe: one per place that logs.
class rate_limit {
public:
  rate_limit(std::uint32_t burst, std::chrono::nanoseconds interval)
      : burst_(burst), interval_(interval) {}

  /// Whether an event at `now` (any steady clock) may be logged.
  /// @returns the number of events that were held back since the last one that was let through, or
  /// nothing when this one is to be held back.
  std::optional<std::uint64_t> admit(std::chrono::nanoseconds now);

private:
  std::uint32_t burst_;
  std::chrono::nanoseconds interval_;
  std::optional<std::chrono::nanoseconds> begin_;
  std::uint32_t admitted_ = 0;
  std::uint64_t held_back_ = 0;
};

} // namespace maze::io
