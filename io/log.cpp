#include "maze/io/log.hpp"

#include "maze/core/printable.hpp"
#include "maze/core/run_name.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <utility>

namespace maze::io {

namespace {

struct level_name {
  log_level level;
  std::string_view name;
};
constexpr std::array level_names{
    level_name{log_level::debug, "debug"}, level_name{log_level::info, "info"},
    level_name{log_level::warning, "warning"}, level_name{log_level::error, "error"},
    level_name{log_level::off, "off"}};

spdlog::level::level_enum to_spdlog(log_level x) {
  switch (x) {
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warning:
    return spdlog::level::warn;
  case log_level::error:
    return spdlog::level::err;
  case log_level::off:
    break;
  }
  return spdlog::level::off;
}

std::string quoted_where_needed(const std::string& escaped) {
  if (!escaped.empty() && escaped.find_first_of(" =\"") == std::string::npos)
    return escaped;
  std::string out = "\"";
  for (const char c : escaped) {
    if (c == '"')
      out += '\\';
    out += c;
  }
  return out + '"';
}

} // namespace

std::string_view to_string(log_level x) noexcept {
  const auto* at = std::find_if(level_names.begin(), level_names.end(),
                                [x](const level_name& entry) { return entry.level == x; });
  return at == level_names.end() ? "unknown" : at->name;
}

std::optional<log_level> log_level_from_string(std::string_view name) noexcept {
  const auto* at = std::find_if(level_names.begin(), level_names.end(),
                                [name](const level_name& entry) { return entry.name == name; });
  if (at == level_names.end())
    return std::nullopt;
  return at->level;
}

log_field field(core::run_id run) { return {"run", core::to_string(run)}; }

log_field task_field(std::string_view name) { return {"task", std::string(name)}; }

log_field field(core::attempt_id attempt) {
  return {"attempt", fmt::format("{}.{}", attempt.epoch, attempt.counter)};
}

// --- redactor --------------------------------------------------------------------------------------

void redactor::hide(std::string secret) {
  if (secret.empty())
    return;
  const std::unique_lock lock(guards_secrets_);
  const auto longer = [](const std::string& a, const std::string& b) {
    return a.size() > b.size();
  };
  secrets_.insert(std::upper_bound(secrets_.begin(), secrets_.end(), secret, longer), secret);
}

bool redactor::empty() const {
  const std::shared_lock lock(guards_secrets_);
  return secrets_.empty();
}

std::string redactor::redact(std::string_view text) const {
  const std::shared_lock lock(guards_secrets_);
  std::string out;
  while (!text.empty()) {
    const auto hit = std::find_if(secrets_.begin(), secrets_.end(), [&](const std::string& secret) {
      return text.substr(0, secret.size()) == secret;
    });
    if (hit == secrets_.end()) {
      out += text.front();
      text.remove_prefix(1);
    } else {
      out += "[secret]";
      text.remove_prefix(hit->size());
    }
  }
  return out;
}

// --- log -------------------------------------------------------------------------------------------

struct log::data {
  explicit data(spdlog::sink_ptr sink) : to("maze", std::move(sink)) {
    // spdlog's own handler writes to standard error, which is the program's face.
    to.set_error_handler([this](const std::string& why) {
      const std::lock_guard lock(guards_failure);
      if (failure.empty())
        failure = why;
    });
  }

  spdlog::logger to;
  redactor secrets;
  std::mutex guards_failure;
  std::string failure;

  void write(spdlog::level::level_enum level, std::string line,
             std::initializer_list<log_field> fields) {
    for (const auto& [name, value] : fields)
      fmt::format_to(std::back_inserter(line), " {}={}", name,
                     quoted_where_needed(core::printable(secrets.redact(value))));
    to.log(level, spdlog::string_view_t(line));
  }
  [[nodiscard]] std::string clean(std::string_view text) const {
    return core::printable(secrets.redact(text));
  }
};

log::log(std::unique_ptr<data> state) : data_(std::move(state)) {}

log::~log() { data_->to.flush(); }

core::result<std::unique_ptr<log>> log::open(const options& settings) {
  spdlog::sink_ptr sink;
  try {
    if (settings.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file.string());
  } catch (const spdlog::spdlog_ex& fault) {
    return core::fail(core::errc::io_error, fmt::format("log file '{}' cannot be opened: {}",
                                                        settings.file.string(), fault.what()));
  }
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc, "\n"));
  auto state = std::make_unique<data>(std::move(sink));
  state->to.set_level(to_spdlog(settings.level));
  state->to.flush_on(spdlog::level::info);
  return std::unique_ptr<log>(new log(std::move(state)));
}

bool log::shows(log_level level) const noexcept {
  return level != log_level::off && data_->to.should_log(to_spdlog(level));
}

void log::event(log_level level, std::string_view text, std::initializer_list<log_field> fields) {
  if (shows(level))
    data_->write(to_spdlog(level), data_->clean(text), fields);
}

void log::event(core::phase at, std::string_view text, std::initializer_list<log_field> fields) {
  if (shows(log_level::debug))
    data_->write(spdlog::level::debug,
                 fmt::format("[{}] {}", core::log_tag(at), data_->clean(text)), fields);
}

redactor& log::secrets() noexcept { return data_->secrets; }

void log::flush() { data_->to.flush(); }

std::string log::failure() const {
  const std::lock_guard lock(data_->guards_failure);
  return data_->failure;
}

// --- rate limit ------------------------------------------------------------------------------------

std::optional<std::uint64_t> rate_limit::admit(std::chrono::nanoseconds now) {
  if (!begin_ || now - *begin_ >= interval_) {
    begin_ = now;
    admitted_ = 0;
  }
  if (admitted_ == burst_) {
    ++held_back_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(held_back_, 0);
}

} // namespace maze::io
