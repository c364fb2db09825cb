#include "maze/actors/container_outcome.hpp"

#include "maze/actors/attempt_outcome.hpp"
#include "maze/io/files.hpp"
#include "maze/sandbox/image_refusal.hpp"
#include "maze/sandbox/messages.hpp"

#include <fmt/format.h>

#include <csignal>

namespace maze::actors {

namespace {

/// Of what an engine says, at most.
constexpr std::size_t evidence_max = 4096;

/// What the first process of a container said of an end that came from within. Where it said nothing, it was killed.
void take(const sandbox::enter::report& told, sandbox::exit_report& report) {
  using sandbox::exit_cause;
  if (!told.ended) {
    if (report.cause != exit_cause::exited)
      return;
    report.cause = exit_cause::signalled;
    report.exit_code = -1;
    report.signal = SIGKILL;
    return;
  }
  report.cpu_user = std::chrono::nanoseconds(told.cpu_time);
  report.cpu_system = {};
  report.memory_peak = told.memory_peak;
  report.refused_processes = told.refused_processes;
  if (report.cause != exit_cause::exited)
    return;
  report.exit_code = told.exit_code;
  report.signal = told.signal;
  report.cause = told.memory_kills > 0 ? exit_cause::memory_limit
                 : told.cpu_passed     ? exit_cause::cpu_limit
                 : told.signal != 0    ? exit_cause::signalled
                                       : exit_cause::exited;
}

/// Why an archive is no image, where that is what was said.
std::string refusal_in(std::string_view said) {
  std::size_t at = said.starts_with(sandbox::archive_refused)
                       ? 0
                       : said.find(fmt::format("\n{}", sandbox::archive_refused));
  if (at == std::string_view::npos)
    return {};
  at = said.find(sandbox::archive_refused, at) + sandbox::archive_refused.size();
  return std::string(said.substr(at, said.find('\n', at) - at));
}

/// The program never began.
void refuse(const std::optional<sandbox::enter::report>& told, const std::string& program,
            std::string_view engine, sandbox::exit_report& report) {
  report.cause = sandbox::exit_cause::setup_failed;
  report.isolation = {.requested = report.isolation.requested};
  if (told && told->step == "exec") {
    report.failure = sandbox::explain(sandbox::protocol::stage::exec, told->exit_code, program);
    return;
  }
  if (told) {
    report.failure = io::errno_error(
        fmt::format("begin the task's program in its container ({})", told->step), told->exit_code);
    report.failure.origin = "launch:" + told->step;
    return;
  }
  const std::string said = last_lines(
      report.standard_error.tail.empty() ? report.standard_error.text : report.standard_error.tail,
      evidence_max);
  if (std::string why = refusal_in(said); !why.empty()) {
    report.failure = {
        .code = core::errc::invalid_argument, .message = std::move(why), .origin = "launch:image"};
    return;
  }
  report.failure = {.code = core::errc::unsupported_operation,
                    .message = fmt::format("{} could not run a container", engine),
                    .origin = "launch:container",
                    .evidence = said};
}

} // namespace

void tell_end(const std::optional<sandbox::enter::report>& told, const std::string& program,
              std::string_view engine, sandbox::exit_report& report) {
  if (told && told->began)
    take(*told, report);
  else if (report.cause == sandbox::exit_cause::exited)
    refuse(told, program, engine, report);
}

} // namespace maze::actors
