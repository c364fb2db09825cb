// Whatever patterns and paths come: matching ends, what lies in a folder that is left out is left out
// too, a pattern that was refused has no effect, and taking everything back leaves nothing out.
#include "maze/core/ignore_rules.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace maze::core;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

/// The last line is the path, each one before it a pattern.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096)
    return 0;
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < size; ++i)
    if (data[i] == '\n')
      lines.emplace_back();
    else
      lines.back().push_back(static_cast<char>(data[i]));
  const auto path = std::move(lines.back());
  lines.pop_back();
  const ignore_rules rules(lines);
  const bool file = rules.leaves_out(path, false);
  const bool folder = rules.leaves_out(path, true);
  require(!folder || rules.leaves_out(path + "/x", false));
  std::vector<std::string> sound;
  for (const auto& line : lines)
    if (check_ignore_pattern(line))
      sound.push_back(line);
  const ignore_rules same(sound);
  require(same.leaves_out(path, false) == file && same.leaves_out(path, true) == folder);
  sound.emplace_back("!*");
  const auto slash = path.find('/');
  require(slash != std::string::npos || !ignore_rules(sound).leaves_out(path, true));
  return 0;
}
