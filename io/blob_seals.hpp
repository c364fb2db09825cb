#pragma once

#include "maze/core/digest.hpp"

#include <cstddef>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unordered_map>

namespace maze::io {

/// Remembers the SHA-256 of blobs, so that each is read once for it.
/// @note Thread-safe. About 200 bytes a blob, for `max` blobs at most.
class blob_seals {
public:
  explicit blob_seals(std::size_t max = std::size_t{1} << 20) : max_(max) {}

  /// Nothing where it is not known, or `now` is not the file that it was made of.
  [[nodiscard]] std::optional<std::string> find(const core::digest& blob,
                                                const struct stat& now) const {
    const std::lock_guard lock(guard_);
    const auto known = known_.find(blob);
    if (known == known_.end() || known->second.file != file_of(now))
      return std::nullopt;
    return known->second.seal;
  }
  void keep(const core::digest& blob, const struct stat& now, const std::string& seal) {
    const std::lock_guard lock(guard_);
    if (known_.size() >= max_)
      known_.clear();
    known_[blob] = {file_of(now), seal};
  }

private:
  /// Another file, or one that was written to, differs in one of these.
  struct file_identity {
    ino_t inode = 0;
    off_t size = 0;
    std::time_t seconds = 0;
    long nanoseconds = 0;

    friend bool operator==(const file_identity&, const file_identity&) = default;
  };
  struct entry {
    file_identity file;
    std::string seal;
  };
  static file_identity file_of(const struct stat& x) noexcept {
    return {x.st_ino, x.st_size, x.st_mtim.tv_sec, x.st_mtim.tv_nsec};
  }

  std::size_t max_;
  mutable std::mutex guard_;
  std::unordered_map<core::digest, entry> known_;
};

} // namespace maze::io
