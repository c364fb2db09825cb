#pragma once

#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/io/view_store.hpp"

#include <filesystem>
#include <memory>
#include <mutex>

namespace maze::actors {

/// What a node keeps of one run: its bundle, the trees and views of its attempts, its logs.
///
/// @note Thread-safe: the workers of a node share it. Its destructor removes trees and blocks on disk.
class run_files {
public:
  struct options {
    /// Folder of this run on this node.
    std::filesystem::path root;
    bool overlay = true;
  };

  run_files(run_bundle_ptr bundle, std::shared_ptr<io::blob_store> blobs, const options& settings);
  run_files(const run_files&) = delete;
  run_files& operator=(const run_files&) = delete;

  [[nodiscard]] const run_bundle& bundle() const noexcept { return *bundle_; }
  [[nodiscard]] io::blob_store& blobs() const noexcept { return *blobs_; }
  /// The views, their base built by whoever calls first. Blocks meanwhile.
  core::result<io::view_store*> views();
  /// Where output that is too long for a result goes, and that of failed attempts.
  [[nodiscard]] const std::filesystem::path& logs() const noexcept { return logs_; }

private:
  run_bundle_ptr bundle_;
  std::shared_ptr<io::blob_store> blobs_;
  std::filesystem::path logs_;
  io::view_store views_;
  std::once_flag once_;
  core::result<void> prepared_;
};

} // namespace maze::actors
