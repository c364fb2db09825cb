#include "maze/core/resources.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

/// Thousandths as a decimal without trailing zeros: 1500 is `1.5`.
std::string cores_text(std::uint32_t millis) {
  std::string out = fmt::format("{}.{:03}", millis / 1000, millis % 1000);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.')
    out.pop_back();
  return out;
}

} // namespace

std::string to_string(const resources& x) {
  std::string out;
  const auto add = [&out](const std::string& part) {
    if (!out.empty())
      out += ", ";
    out += part;
  };
  if (x.cpu_millis != 0)
    add(cores_text(x.cpu_millis) + (x.cpu_millis == 1000 ? " core" : " cores"));
  if (x.memory.value != 0)
    add(to_string(x.memory));
  if (x.gpus != 0)
    add(fmt::format("{} GPU{}", x.gpus, x.gpus == 1 ? "" : "s"));
  return out.empty() ? "nothing" : out;
}

} // namespace maze::core
