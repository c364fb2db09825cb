#pragma once

#include "maze/core/blob_id.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_folder.hpp"
#include "maze/io/hash.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace maze::io {

/// A blob on its way into a store, hashed while it comes. It appears only when `commit` found size
/// and hash as announced; without that, nothing is left of it.
///
/// @note One thread at a time. Blocks on disk. Made by `blob_store::begin_put`.
class blob_writer {
public:
  blob_writer(std::shared_ptr<blob_folder> folder, blob_folder::temporary_file file,
              core::blob_id expected);
  blob_writer(blob_writer&& other) noexcept;
  blob_writer& operator=(blob_writer&& other) noexcept;
  ~blob_writer();

  /// Appends; `transfer_error` beyond the announced size, `io_error` or `resource_exhausted` of the
  /// disk.
  core::result<void> write(std::string_view piece);
  /// Bytes so far: where a transfer that broke off goes on.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  [[nodiscard]] const core::blob_id& expected() const noexcept { return expected_; }
  /// Puts the blob into its place; `transfer_error` where size or hash differ, and what was written
  /// is dropped. Durable after the store's next `flush`.
  /// @returns whether the store did not have it before.
  core::result<bool> commit();

private:
  void abandon() noexcept;

  std::shared_ptr<blob_folder> folder_;
  blob_folder::temporary_file file_;
  core::blob_id expected_;
  hasher hash_;
  std::uint64_t written_ = 0;
};

/// The error for content that is not what it was announced to be.
core::error wrong_content(const core::blob_id& expected, const hashed_content& seen);

} // namespace maze::io
