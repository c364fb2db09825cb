#pragma once

#include "maze/core/archive_refs.hpp"
#include "maze/core/blob_id.hpp"
#include "maze/core/library.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_store.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace maze::node {

/// A client's blob store in a temporary folder, for as long as its command runs.
class passing_store {
public:
  static core::result<passing_store> open();
  passing_store(passing_store&& other) noexcept;
  passing_store& operator=(passing_store&&) = delete;
  ~passing_store();

  [[nodiscard]] io::blob_store& blobs() { return *store_; }

private:
  passing_store(std::filesystem::path folder, std::shared_ptr<io::blob_store> store)
      : folder_(std::move(folder)), store_(std::move(store)) {}

  std::filesystem::path folder_;
  std::shared_ptr<io::blob_store> store_;
};

/// The content of the files of a map, of libraries and of archives, each once.
std::vector<core::blob_id> blobs_of(const core::file_map& files,
                                    const core::library_refs& libraries = {},
                                    const core::archive_refs& archives = {});

} // namespace maze::node
