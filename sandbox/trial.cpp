#include "maze/sandbox/trial.hpp"

#include <fmt/format.h>

#include <memory>

namespace maze::sandbox {

namespace {

core::result<void> verdict(const exit_report& told) {
  if (told.failure.code != core::errc::none)
    return core::fail(told.failure);
  if (told.cause != exit_cause::exited || told.exit_code != 0)
    return core::fail(core::errc::worker_crash,
                      fmt::format("a child that does nothing ended with status {}, signal {}",
                                  told.exit_code, told.signal),
                      "launch:exec");
  return {};
}

} // namespace

std::future<core::result<void>> begin_trial(launcher& with, core::sandbox_level level,
                                            const std::optional<child_user>& user) {
  launch_request request;
  request.argv = {"/bin/sh", "-c", ":"};
  request.working_directory = "/";
  request.user = user;
  request.sandbox.level = level;
  auto done = std::make_shared<std::promise<core::result<void>>>();
  auto answer = done->get_future();
  with.launch(std::move(request),
              [done](const exit_report& told) { done->set_value(verdict(told)); });
  return answer;
}

core::result<void> try_level(launcher& with, core::sandbox_level level,
                             const std::optional<child_user>& user) {
  return begin_trial(with, level, user).get();
}

} // namespace maze::sandbox
