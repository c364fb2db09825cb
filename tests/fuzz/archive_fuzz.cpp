// Bytes that claim to be an archive are refused, or become a valid tree whose content is in the store.
#include "maze/io/archive.hpp"
#include "maze/io/folders.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

using namespace maze;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

/// One store for all inputs: equal content is stored once. In memory, and gone at the end.
struct kept_store {
  kept_store() {
    require(::mkdtemp(name.data()) != nullptr);
    blobs = io::blob_store::open(name, {.durable = false}).value();
  }
  ~kept_store() {
    blobs.reset();
    static_cast<void>(io::remove_tree(AT_FDCWD, name));
  }
  kept_store(const kept_store&) = delete;
  kept_store& operator=(const kept_store&) = delete;

  std::string name = "/dev/shm/maze-fuzz-XXXXXX";
  std::shared_ptr<io::blob_store> blobs;
};

io::blob_store& store() {
  static const kept_store kept;
  return *kept.blobs;
}

} // namespace

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const io::unique_fd file(::memfd_create("archive", MFD_CLOEXEC));
  require(io::write_all(file.get(), {reinterpret_cast<const char*>(data), size}).has_value());
  require(::lseek(file.get(), 0, SEEK_SET) == 0);
  const io::archive_limits limits{
      .entries_max = 1000, .names_max = 100'000, .bytes_max = std::uint64_t{4} << 20};
  const auto files = io::unpack_archive(file.get(), store(), limits);
  if (!files)
    return 0;
  require(files->size() <= limits.entries_max);
  require(core::check_file_map(*files).has_value());
  std::uint64_t bytes = 0;
  for (const auto& [path, entry] : *files)
    if (entry.kind == core::file_kind::file) {
      require(store().has(core::blob_id{.hash = entry.hash, .size = entry.size}));
      bytes += entry.size;
    }
  const io::unique_fd packed(::memfd_create("archive", MFD_CLOEXEC));
  if (bytes <= limits.bytes_max)
    require(
        io::pack_archive(*files, store(), packed.get(), io::archive_compression::none).has_value());
  return 0;
}
