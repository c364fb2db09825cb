// Counts the words of files in as many shards as one likes, and merges what the shards found. A word is a run of
// ASCII letters, in lower case.
#include "maze/core/task.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <zlib.h>

namespace {

namespace fs = std::filesystem;
using table = std::map<std::string, std::int64_t>;

class word_counter {
public:
  void take(std::string_view text) {
    for (const char c : text)
      if (const char lower = static_cast<char>(c | 0x20); lower >= 'a' && lower <= 'z')
        word_ += lower;
      else
        end_word();
  }
  /// Files do not share words.
  void end_word() {
    if (!word_.empty())
      ++counts_[word_];
    word_.clear();
  }
  [[nodiscard]] table words() const { return {counts_.begin(), counts_.end()}; }

private:
  std::string word_;
  std::unordered_map<std::string, std::int64_t> counts_;
};

/// Adds the words of a file, which gzip may have compressed.
void count_file(const fs::path& path, word_counter& out) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file)
    throw std::runtime_error("cannot open " + path.string());
  std::vector<char> room(1 << 16);
  int size = 0;
  while ((size = gzread(file.get(), room.data(), static_cast<unsigned>(room.size()))) > 0)
    out.take({room.data(), static_cast<std::size_t>(size)});
  // A file that ends too soon is no error of the last read. zlib's text begins with the path.
  int code = Z_OK;
  const char* why = gzerror(file.get(), &code);
  if (size < 0 || code != Z_OK)
    throw std::runtime_error(why);
  out.end_word();
}

table count(const fs::path& folder, std::size_t shard, std::size_t shards) {
  if (shard >= shards)
    throw std::invalid_argument("there is no shard " + std::to_string(shard) + " of "
                                + std::to_string(shards) + "; they count from 0");
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.symlink_status().type() == fs::file_type::regular)
      files.push_back(entry.path());
  // One order for all shards, whatever the folder's own is.
  std::sort(files.begin(), files.end());
  word_counter out;
  for (std::size_t i = shard; i < files.size(); i += shards)
    count_file(files[i], out);
  return out.words();
}

maze::core::dict merge(const std::vector<table>& tables, std::size_t top) {
  table sum;
  std::int64_t total = 0;
  for (const auto& one : tables)
    for (const auto& [word, times] : one) {
      sum[word] += times;
      total += times;
    }
  std::vector<std::pair<std::string, std::int64_t>> rows(sum.begin(), sum.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });

  std::ofstream file("words.tsv");
  for (const auto& [word, times] : rows)
    file << times << '\t' << word << '\n';
  if (!file.flush())
    throw std::runtime_error("cannot write words.tsv");

  maze::core::list first;
  for (std::size_t i = 0; i < std::min(top, rows.size()); ++i)
    first.push_back(maze::core::list{rows[i].first, rows[i].second});
  return {{"total", total},
          {"different", static_cast<std::int64_t>(rows.size())},
          {"top", std::move(first)}};
}

} // namespace

MAZE_TASK_LIBRARY("words", "1.0")
MAZE_TASK(count, "How often each word stands in every `shards`th file below a folder.",
          maze::arg("folder"), maze::arg("shard") = 0, maze::arg("shards") = 1)
MAZE_TASK(merge, "Adds tables up, writes words.tsv, returns its size and its first rows.",
          maze::arg("tables"), maze::arg("top") = 10)
