#pragma once

#include <filesystem>
#include <vector>

namespace maze::test {

/// Where the view stores of `root` keep the trees that views lie over.
inline std::vector<std::filesystem::path> tree_folders(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> out;
  for (const auto& each : std::filesystem::directory_iterator(root))
    if (each.path().filename().native().starts_with("trees"))
      out.push_back(each.path());
  return out;
}

} // namespace maze::test
