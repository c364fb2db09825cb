#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace maze::test {

/// The content of a file; empty where there is none, as for what /proc said of a process that has just ended.
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  // Unlike the buffer's own iterators this does not throw where a read fails.
  out << file.rdbuf();
  return out.str();
}

/// The contents of all files below `root`, by path.
inline std::map<std::string, std::string> read_tree(const std::filesystem::path& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.is_regular_file())
      out[entry.path().lexically_relative(root).string()] = read_file(entry.path());
  return out;
}

} // namespace maze::test
