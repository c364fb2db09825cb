#include "maze/io/hash.hpp"

#include "maze/io/file_extents.hpp"
#include "maze/io/files.hpp"
#include "maze/io/openssl.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <new>
#include <unistd.h>
#include <vector>

namespace maze::io {

namespace {

// Larger reads gain nothing here; smaller ones pay for more system calls.
constexpr std::size_t read_size = std::size_t{256} << 10;

core::digest to_digest(XXH128_hash_t hash) noexcept {
  return core::digest{.high = hash.high64, .low = hash.low64};
}

/// Calls `take` with all that the descriptor yields, from offset 0 to its end, holes as zeros.
/// @returns how much that was.
core::result<std::uint64_t> read_through(int fd, const std::stop_token& stop,
                                         const std::function<void(std::string_view)>& take) {
  std::vector<char> buffer(read_size);
  off_t at = 0;
  for (;;) {
    const extent data = next_extent(fd, at);
    while (at < data.begin) {
      if (stop.stop_requested())
        return core::fail(stopped());
      const auto piece = zeros().substr(0, static_cast<std::size_t>(data.begin - at));
      take(piece);
      at += static_cast<off_t>(piece.size());
    }
    if (data.begin == data.end)
      return static_cast<std::uint64_t>(at);
    while (at < data.end) {
      if (stop.stop_requested())
        return core::fail(stopped());
      const auto wanted = std::min<off_t>(static_cast<off_t>(buffer.size()), data.end - at);
      const auto got = ::pread(fd, buffer.data(), static_cast<std::size_t>(wanted), at);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return core::fail(errno_error("read", errno));
      if (got == 0)
        return static_cast<std::uint64_t>(at);
      take({buffer.data(), static_cast<std::size_t>(got)});
      at += got;
    }
  }
}

} // namespace

struct hasher::data {
  data() : state(XXH3_createState()) {
    if (state == nullptr)
      throw std::bad_alloc();
    XXH3_128bits_reset(state);
  }
  data(const data&) = delete;
  data& operator=(const data&) = delete;
  ~data() { XXH3_freeState(state); }

  XXH3_state_t* state;
};

core::digest hash_bytes(std::string_view content) noexcept {
  return to_digest(XXH3_128bits(content.data(), content.size()));
}

hasher::hasher() : data_(std::make_unique<data>()) {}
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;
hasher::~hasher() = default;

void hasher::update(std::string_view piece) noexcept {
  XXH3_128bits_update(data_->state, piece.data(), piece.size());
}

core::digest hasher::finish() const noexcept {
  return to_digest(XXH3_128bits_digest(data_->state));
}

core::result<hashed_content> hash_file(int fd, const std::stop_token& stop) {
  hasher hash;
  const auto size = read_through(fd, stop, [&hash](std::string_view piece) { hash.update(piece); });
  if (!size)
    return core::fail(size.error());
  return hashed_content{.hash = hash.finish(), .size = *size};
}

struct sha256_hasher::data {
  std::unique_ptr<EVP_MD_CTX, openssl_free<EVP_MD_CTX_free>> context{EVP_MD_CTX_new()};
  bool sound = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
};

sha256_hasher::sha256_hasher() : data_(std::make_unique<data>()) {}
sha256_hasher::~sha256_hasher() = default;

void sha256_hasher::update(std::string_view piece) {
  data_->sound =
      data_->sound && EVP_DigestUpdate(data_->context.get(), piece.data(), piece.size()) == 1;
}

core::result<std::string> sha256_hasher::finish() {
  std::array<unsigned char, 32> bytes{};
  if (!data_->sound || EVP_DigestFinal_ex(data_->context.get(), bytes.data(), nullptr) != 1)
    return core::fail(openssl_error("SHA-256"));
  return std::string(bytes.begin(), bytes.end());
}

core::result<std::string> sha256_file(int fd, const std::stop_token& stop) {
  sha256_hasher hash;
  const auto size = read_through(fd, stop, [&hash](std::string_view piece) { hash.update(piece); });
  if (!size)
    return core::fail(size.error());
  return hash.finish();
}

core::result<std::string> sha256_bytes(std::string_view content) {
  sha256_hasher hash;
  hash.update(content);
  return hash.finish();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

} // namespace maze::io
