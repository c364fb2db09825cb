#include "maze/core/sandbox_spec.hpp"

namespace maze::core {

std::string_view to_string(sandbox_level level) noexcept {
  switch (level) {
  case sandbox_level::none:
    return "none";
  case sandbox_level::subprocess:
    return "subprocess";
  case sandbox_level::seccomp:
    return "seccomp";
  case sandbox_level::container:
    return "container";
  }
  return "unknown";
}

std::optional<sandbox_level> sandbox_level_from_string(std::string_view name) noexcept {
  for (const auto level : {sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp,
                           sandbox_level::container})
    if (name == to_string(level))
      return level;
  if (name == "docker")
    return sandbox_level::container;
  return std::nullopt;
}

} // namespace maze::core
