#include "maze/core/call_plan.hpp"

#include "maze/core/descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::core {

namespace {

result<void> check_function(const call_function& x, bool python) {
  const auto wrong = [&x](std::string_view why) -> result<void> {
    return fail(errc::invalid_argument, fmt::format("calls of '{}': {}", x.shown_name(), why),
                "submit");
  };
  if (!x.name.empty() && !is_name(x.name))
    return wrong("that is no name");
  if (const auto* own = std::get_if<function_action>(&x.action)) {
    if (!is_name(own->library) || !is_name(own->function))
      return wrong("library and function must be names");
    return python ? wrong("functions of libraries and of Python need runs of their own")
                  : result<void>{};
  }
  const auto* code = std::get_if<python_action>(&x.action);
  if (code == nullptr)
    return wrong("commands and scripts are tasks of a graph, no calls");
  if (!python)
    return wrong("functions of libraries and of Python need runs of their own");
  if (code->source == python_source::file)
    return wrong("calls have no files: give the code itself");
  if (code->text.empty() || code->text.find('\0') != std::string::npos)
    return wrong("its code is empty or has a NUL byte");
  return {};
}

} // namespace

std::string call_function::shown_name() const {
  return name.empty() ? default_task_name(action) : name;
}

result<void> check_call_plan(const call_plan& plan) {
  if (plan.functions.empty() || plan.functions.size() > call_functions_max)
    return fail(errc::invalid_argument,
                fmt::format("a run of calls names 1 to {} functions, this one {}",
                            call_functions_max, plan.functions.size()),
                "submit");
  for (const call_function& each : plan.functions)
    if (auto sound = check_function(each, plan.is_python()); !sound)
      return sound;
  if (auto fine = check_sandbox(plan.sandbox); !fine)
    return fine;
  if (plan.sandbox.imports && !plan.is_python())
    return fail(errc::invalid_argument, "`imports` is for Python functions", "submit");
  if (auto fine = check_labels("a node of a run of calls", plan.labels); !fine)
    return fail(fine.error().code, fine.error().message, "submit");
  if (plan.priority < -20 || plan.priority > 20)
    return fail(errc::invalid_argument, "the priority of calls lies between -20 and 20", "submit");
  if (plan.lanes_min > call_lanes_max)
    return fail(
        errc::invalid_argument,
        fmt::format("at most {} lanes are kept ready, not {}", call_lanes_max, plan.lanes_min),
        "submit");
  if (plan.retries > 255)
    return fail(errc::invalid_argument, "a call can be tried again 255 times at most", "submit");
  return {};
}

} // namespace maze::core
