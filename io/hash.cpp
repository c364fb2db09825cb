#include "maze/io/hash.hpp"

#include "maze/io/file_extents.hpp"
#include "maze/io/files.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cerrno>
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
  std::vector<char> buffer(read_size);
  hasher hash;
  off_t at = 0;
  for (;;) {
    const extent data = next_extent(fd, at);
    while (at < data.begin) {
      if (stop.stop_requested())
        return core::fail(stopped());
      const auto piece = zeros().substr(0, static_cast<std::size_t>(data.begin - at));
      hash.update(piece);
      at += static_cast<off_t>(piece.size());
    }
    const auto finished = [&] {
      return hashed_content{.hash = hash.finish(), .size = static_cast<std::uint64_t>(at)};
    };
    if (data.begin == data.end)
      return finished();
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
        return finished();
      hash.update({buffer.data(), static_cast<std::size_t>(got)});
      at += got;
    }
  }
}

} // namespace maze::io
