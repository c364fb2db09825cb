#pragma once

#include "maze/core/result.hpp"

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace maze::io {

/// Code that somebody vouches for, by its SHA-256: the hash under which blobs are stored keeps no forger away.
///
/// @note Thread-safe once it is made.
class trusted_code {
public:
  /// Each entry is a sum in 64 hexadecimal digits, as `sha256sum` prints it, or the path of a file, or of a folder whose files
  /// count, but not those of folders in it. The files are read now and not again. Fails with `invalid_argument` for an entry that
  /// is nothing of these, and with what else the file system says, naming the entry.
  static core::result<trusted_code> read(std::span<const std::string> entries);

  /// @param sha256  32 bytes
  [[nodiscard]] bool has(std::string_view sha256) const { return sums_.count(sha256) > 0; }
  [[nodiscard]] std::size_t size() const noexcept { return sums_.size(); }

private:
  core::result<void> add(const std::string& entry);

  std::set<std::string, std::less<>> sums_;
};

} // namespace maze::io
