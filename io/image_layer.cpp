#include "maze/io/image_layer.hpp"

#include "maze/io/hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace maze::io {

namespace {

/// Of most file systems.
constexpr std::uint64_t block_size = 4096;
/// Of a tar archive; two of zeros are its end, and one is read as that, too.
/// Source: POSIX.1-2017, pax, "ustar Interchange Format".
constexpr std::uint64_t record_size = 512;

/// What passes by on its way to the reader of entries.
class layer_bytes {
public:
  explicit layer_bytes(unpacked_bytes& from, image_room& room) : from_(from), room_(room) {}

  core::result<std::string_view> next() {
    auto piece = from_.next();
    if (!piece || piece->empty()) {
      ended_ = true;
      return piece;
    }
    hash_.update(*piece);
    size_ += piece->size();
    const auto last = piece->find_last_not_of('\0');
    zeros_ = last == std::string_view::npos ? zeros_ + piece->size() : piece->size() - last - 1;
    // Files are counted as they are announced; beyond them an archive may be anything.
    if (size_ > counted_) {
      if (auto fits = room_.take(size_ - counted_); !fits)
        return core::fail(fits.error());
      counted_ = size_;
    }
    return piece;
  }
  core::result<void> count_file(std::uint64_t length) {
    const auto before = room_.taken();
    auto fits = room_.take_file(length);
    counted_ += room_.taken() - before;
    return fits;
  }
  /// Whether it was the end of an archive that came last, and not only that of the bytes. Asked where the entries end: behind that may be anything.
  [[nodiscard]] bool at_end_of_archive() const noexcept { return !ended_ || zeros_ >= record_size; }
  core::result<void> fill(image_layer& to) {
    const auto bytes = hash_.finish();
    if (!bytes)
      return core::fail(bytes.error());
    to.hash = hex(*bytes);
    to.size = size_;
    return {};
  }

private:
  unpacked_bytes& from_;
  image_room& room_;
  sha256_hasher hash_;
  std::uint64_t size_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t zeros_ = 0;
  bool ended_ = false;
};

} // namespace

core::result<void> image_room::take(std::uint64_t bytes) {
  if (bytes > left_)
    return core::fail(core::errc::limit_exceeded,
                      fmt::format("it unpacks to more than {}, the most that an image may have "
                                  "on this node: make it smaller, or have the node started with a "
                                  "larger --image-size",
                                  core::to_string(core::byte_count{most_})));
  left_ -= bytes;
  return {};
}

core::result<void> image_room::take_file(std::uint64_t length) {
  const auto blocks = length / block_size + (length % block_size != 0 ? 1 : 0);
  return take(std::max<std::uint64_t>(1, blocks) * block_size);
}

core::result<image_layer> read_layer(unpacked_bytes& from, image_room& room) {
  layer_bytes bytes(from, room);
  auto in = entry_reader::open([&bytes] { return bytes.next(); });
  if (!in)
    return core::fail(in.error());
  image_layer out;
  for (;;) {
    const auto entry = in->next();
    if (!entry)
      return core::fail(entry.error());
    if (!*entry)
      break;
    if (auto fits = bytes.count_file((*entry)->size); !fits)
      return core::fail(fits.error());
    out.has_programs = out.has_programs || (*entry)->is_program;
  }
  out.has_end = bytes.at_end_of_archive();
  for (;;) {
    const auto rest = bytes.next();
    if (!rest)
      return core::fail(rest.error());
    if (rest->empty())
      break;
  }
  if (auto filled = bytes.fill(out); !filled)
    return core::fail(filled.error());
  return out;
}

} // namespace maze::io
