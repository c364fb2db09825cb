// Bytes that claim to be a saved image are refused, or become an archive with one name in it, which is ours.
#include "maze/io/files.hpp"
#include "maze/io/image_writer.hpp"
#include "maze/io/saved_image.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <sys/mman.h>

using namespace maze;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

} // namespace

constexpr core::byte_count room{std::uint64_t{64} << 20};

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const io::unique_fd file(::memfd_create("image", MFD_CLOEXEC));
  require(io::write_all(file.get(), {reinterpret_cast<const char*>(data), size}).has_value());
  const auto image = io::find_saved_image(file.get(), "amd64", room);
  if (!image)
    return 0;
  const io::unique_fd written(::memfd_create("written", MFD_CLOEXEC));
  const io::written_image as{.name = "localhost/maze:1", .folder = "/", .size_max = room};
  if (!*image) {
    if (io::write_file_system(file.get(), "amd64", as, written.get())) {
      const auto made = io::find_saved_image(written.get(), "amd64", room);
      require(made.has_value() && made->has_value());
    }
    return 0;
  }
  require(!(*image)->layers.empty());
  if (!io::write_saved_image(file.get(), **image, as, written.get()))
    return 0;
  // What came out is an image again, with the same in it.
  const auto again = io::find_saved_image(written.get(), "amd64", room);
  require(again.has_value() && again->has_value());
  require((*again)->environment == (*image)->environment);
  require((*again)->layers.size() == (*image)->layers.size());
  return 0;
}
