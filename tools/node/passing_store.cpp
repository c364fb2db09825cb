#include "node/passing_store.hpp"

#include "maze/io/folders.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <set>
#include <utility>

namespace maze::node {

core::result<passing_store> passing_store::open() {
  std::error_code failed;
  auto folder = (std::filesystem::temp_directory_path(failed) / "maze-client-XXXXXX").native();
  if (failed || ::mkdtemp(folder.data()) == nullptr)
    return core::fail(io::errno_error("make a temporary folder", failed ? failed.value() : errno));
  auto store = io::blob_store::open(std::filesystem::path(folder) / "store", {.durable = false});
  if (!store)
    return core::fail(store.error());
  return passing_store(folder, std::move(*store));
}

passing_store::passing_store(passing_store&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), store_(std::move(other.store_)) {}

passing_store::~passing_store() {
  store_.reset();
  if (!folder_.empty())
    static_cast<void>(io::remove_tree(AT_FDCWD, folder_));
}

std::vector<core::blob_id> blobs_of(const core::file_map& files,
                                    const core::library_refs& libraries,
                                    const core::archive_refs& archives) {
  std::set<core::blob_id> out;
  for (const auto& [path, entry] : files)
    if (entry.kind == core::file_kind::file)
      out.insert({entry.hash, entry.size});
  for (const auto& [name, library] : libraries)
    out.insert({library.hash, library.size});
  for (const auto& [name, archive] : archives)
    out.insert(archive);
  return {out.begin(), out.end()};
}

} // namespace maze::node
