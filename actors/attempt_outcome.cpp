#include "maze/actors/attempt_outcome.hpp"

#include "maze/sandbox/syscalls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <tuple>

namespace maze::actors {

namespace {

constexpr std::size_t evidence_size_max = 4096;

/// Drops a character that the cut at the capture limit left incomplete.
std::string whole_characters(const sandbox::captured_output& output) {
  std::string text = output.text;
  if (output.total <= text.size())
    return text;
  for (std::size_t dropped = 0; dropped < 4 && !text.empty() && !core::is_utf8(text); ++dropped)
    text.pop_back();
  return core::is_utf8(text) ? text : output.text;
}

core::bytes bytes_of(const std::string& text) {
  core::bytes raw(text.size());
  std::memcpy(raw.data(), text.data(), text.size());
  return raw;
}

core::value stream_value(const sandbox::captured_output& output) {
  std::string text = whole_characters(output);
  if (core::is_utf8(text))
    return text;
  return bytes_of(text);
}

template <class Limit>
std::string limit_text(const std::optional<Limit>& limit) {
  return limit ? core::to_string(*limit) : std::string("set");
}

/// One of `core::command_parts`, as the type that it is declared as.
core::value part_value(std::string_view part, std::string_view type,
                       const sandbox::exit_report& report) {
  if (part == "exit_code")
    return std::int64_t{report.exit_code};
  const auto& stream = part == "stdout" ? report.standard_output : report.standard_error;
  // Bytes whatever they are: some happen to be text.
  return type == "bytes" ? core::value(bytes_of(stream.text)) : stream_value(stream);
}

core::result<core::dict> declared_output(const core::task_spec& spec,
                                         const sandbox::exit_report& report) {
  core::dict out;
  if (spec.output.form == core::output_form::one) {
    core::dict returned;
    for (const auto part : core::command_parts)
      returned.emplace(part, part_value(part, "any", report));
    out.emplace(spec.output.keys.front().key, std::move(returned));
    return out;
  }
  for (const auto& [key, type] : spec.output.keys) {
    auto part = part_value(key, type, report);
    if (!core::type_accepts(type, part))
      return core::fail(ended_badly(
          core::errc::invalid_payload,
          fmt::format(
              "the task's output `{}` is declared as {}, and the command gave {}: declare it "
              "as any or bytes",
              key, type, core::type_name(part)),
          report));
    out.emplace(key, std::move(part));
  }
  return out;
}

/// What stands behind a signal for too large a file, where the task's sandbox bounds those.
std::string file_hint(const core::task_spec& spec, int signal) {
  const auto& [one, all] = std::tie(spec.sandbox.file_size, spec.sandbox.disk);
  if (signal != SIGXFSZ || (!one && !all))
    return "";
  const bool by_one = one && (!all || *one <= *all);
  return fmt::format("; a file of it would have grown beyond its limit of {}: `sandbox` has `{}`",
                     limit_text(by_one ? one : all), by_one ? "file_size" : "disk");
}

/// What happened, as far as it is known, and what would allow it. A program names itself as it likes.
std::string forbidden_call(const sandbox::exit_report& report) {
  std::string out = report.program.empty()
                        ? std::string("a process of it")
                        : fmt::format("its process '{}'", last_lines(report.program, 64));
  const bool in_part = sandbox::is_allowed_in_part(report.syscall);
  out += " made ";
  out += report.foreign_syscall   ? "a system call of another architecture"
         : report.syscall.empty() ? "a system call"
                                  : fmt::format("the system call `{}`", report.syscall);
  out += in_part ? " with arguments that its `sandbox` does not allow (`violation: kill`)"
                 : ", which its `sandbox` does not allow (`violation: kill`)";
  if (!report.syscall.empty())
    out += fmt::format("; `syscalls: [{}]` would{}", report.syscall,
                       in_part ? ", whatever the arguments" : "");
  return out;
}

} // namespace

std::string fence_hint(const sandbox::exit_report& report) {
  const core::isolation& card = report.isolation;
  if (report.refused_processes > 0)
    return fmt::format(
        "; a process or thread of it could not begin {} time{}: the task's `sandbox` "
        "has a limit of `processes`",
        report.refused_processes, report.refused_processes == 1 ? "" : "s");
  if (card.level() < core::sandbox_level::seccomp)
    return "";
  return fmt::format("; it ran at level {}{}: the task's `sandbox` opens what it needs",
                     to_string(card.level()),
                     card.has(core::fence::network) ? ", without network" : "");
}

core::error ended_badly(core::errc code, std::string message, const sandbox::exit_report& report) {
  const sandbox::captured_output& stream = report.standard_error;
  return {.code = code,
          .message = std::move(message),
          .origin = "execute",
          .exit_code = report.cause == sandbox::exit_cause::exited ? report.exit_code : -1,
          .signal = report.signal,
          .evidence =
              last_lines(stream.tail.empty() ? stream.text : stream.tail, evidence_size_max)};
}

std::string last_lines(const std::string& text, std::size_t size_max) {
  std::size_t begin = 0;
  if (text.size() > size_max) {
    begin = text.size() - size_max;
    if (const auto line = text.find('\n', begin);
        line != std::string::npos && line + 1 < text.size())
      begin = line + 1;
  }
  std::string out = text.substr(begin);
  if (core::is_utf8(out))
    return out;
  for (char& c : out)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  return out;
}

std::vector<cut_stream> cut_streams(const sandbox::exit_report& report,
                                    const std::filesystem::path& out,
                                    const std::filesystem::path& err) {
  std::vector<cut_stream> found;
  const auto add = [&](const char* name, const sandbox::captured_output& stream,
                       const std::filesystem::path& log) {
    if (stream.total > stream.text.size() || !stream.log_error.empty())
      found.push_back({.stream = name,
                       .total = stream.total,
                       .kept = stream.text.size(),
                       .log = stream.logged ? log.string() : std::string(),
                       .log_error = stream.log_error});
  };
  add("stdout", report.standard_output, out);
  add("stderr", report.standard_error, err);
  return found;
}

core::result<void> check_end(const core::task_spec& spec, const sandbox::exit_report& report,
                             std::string_view what) {
  using sandbox::exit_cause;
  const auto badly = [&report](core::errc code, std::string why) {
    return core::fail(ended_badly(code, std::move(why), report));
  };
  switch (report.cause) {
  case exit_cause::exited:
    break;
  case exit_cause::signalled:
    if (report.signal == SIGSYS && report.isolation.has(core::fence::syscalls))
      return badly(core::errc::sandbox_violation,
                   fmt::format("the {} made a system call of another architecture, which its "
                               "sandbox ends it for",
                               what));
    return badly(core::errc::signalled,
                 fmt::format("the {} was killed by signal {} ({}){}", what, report.signal,
                             strsignal(report.signal), file_hint(spec, report.signal)));
  case exit_cause::wall_limit:
    return badly(core::errc::timeout_wall, fmt::format("the {} ran longer than its timeout of {}",
                                                       what, limit_text(spec.sandbox.wall_time)));
  case exit_cause::cpu_limit:
    return badly(core::errc::timeout_cpu,
                 fmt::format("the {} used more CPU time than its limit of {}", what,
                             limit_text(spec.sandbox.cpu_time)));
  case exit_cause::memory_limit:
    return badly(core::errc::oom_killed,
                 fmt::format("the {} and what it started used more memory than its limit of {}: "
                             "`sandbox` has `memory`",
                             what, limit_text(spec.sandbox.memory)));
  case exit_cause::forbidden_call:
    return badly(
        core::errc::sandbox_violation,
        fmt::format("the {} was killed: {}{}", what, forbidden_call(report), fence_hint(report)));
  case exit_cause::stopped:
  case exit_cause::withdrawn:
    return badly(core::errc::cancelled, "the attempt was stopped");
  case exit_cause::setup_failed:
  case exit_cause::lost:
    return core::fail(report.failure);
  }
  return {};
}

core::result<std::string> command_outcome(const core::task_spec& spec,
                                          const sandbox::exit_report& report) {
  if (auto ended = check_end(spec, report, "command"); !ended)
    return core::fail(ended.error());
  if (std::find(spec.ok_exit.begin(), spec.ok_exit.end(), report.exit_code) == spec.ok_exit.end())
    return core::fail(
        ended_badly(core::errc::exit_nonzero,
                    // A shell says of a program how a signal ended it.
                    fmt::format("the command ended with exit status {}{}{}", report.exit_code,
                                file_hint(spec, report.exit_code - 128), fence_hint(report)),
                    report));
  auto output = declared_output(spec, report);
  return output ? core::encode(*output) : tl::make_unexpected(std::move(output.error()));
}

} // namespace maze::actors
