#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace maze::io {

/// XXH3-128 of `content`.
/// Source: the canonical form of XXH128_hash_t in xxhash.h; `xxh128sum` prints the same digits.
core::digest hash_bytes(std::string_view content) noexcept;

/// XXH3-128 of content that comes in pieces. Where the cuts are does not matter.
class hasher {
public:
  hasher();
  hasher(hasher&&) noexcept;
  hasher& operator=(hasher&&) noexcept;
  ~hasher();

  void update(std::string_view piece) noexcept;
  /// The hash of all that came so far; more may follow.
  [[nodiscard]] core::digest finish() const noexcept;

private:
  struct data;
  std::unique_ptr<data> data_;
};

/// SHA-256 (FIPS 180-4) of content that comes in pieces. Where the cuts are does not matter.
class sha256_hasher {
public:
  sha256_hasher();
  ~sha256_hasher();
  sha256_hasher(const sha256_hasher&) = delete;
  sha256_hasher& operator=(const sha256_hasher&) = delete;

  void update(std::string_view piece);
  /// Its 32 bytes; once, and nothing may follow. Fails with `io_error` where OpenSSL cannot do it.
  core::result<std::string> finish();

private:
  struct data;
  std::unique_ptr<data> data_;
};

/// What `hash_file` read.
struct hashed_content {
  core::digest hash;
  std::uint64_t size = 0;
};

/// Hashes what a descriptor yields from offset 0 to its end, wherever its position is. Holes count as
/// the zeros that they read as, but are not read: they cost the hashing alone. `cancelled` soon after
/// `stop` was requested. Moves the descriptor's position.
///
/// @note Blocks on disk; holds 256 KiB.
core::result<hashed_content> hash_file(int fd, const std::stop_token& stop = {});
/// The same with SHA-256 (FIPS 180-4): its 32 bytes.
core::result<std::string> sha256_file(int fd, const std::stop_token& stop = {});
/// The same of bytes in memory.
core::result<std::string> sha256_bytes(std::string_view content);
/// Two lower-case hexadecimal digits a byte.
std::string hex(std::string_view bytes);

} // namespace maze::io
