#pragma once

#include "maze/core/blob_id.hpp"
#include "maze/core/digest.hpp"
#include "maze/core/manifest.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_folder.hpp"
#include "maze/io/blob_writer.hpp"
#include "maze/io/files.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

namespace maze::io {

struct blob_info {
  core::digest hash;
  std::uint64_t size = 0;
  /// Whether the store did not have it before.
  bool added = false;
};

/// A content-addressed directory: immutable files under their XXH3-128 hash. A blob appears by
/// rename, whole or not at all. One process at a time: the folder is locked while it is open.
/// On disk: io/README.md, "Blob store".
///
/// @note Thread-safe. Blocks on disk.
class blob_store {
public:
  struct options {
    /// Whether `flush` reaches the disk; off for a store that is thrown away afterwards.
    bool durable = true;
    /// For how long `sweep` spares a blob after it was put or `has` found it, so that whoever did so can
    /// say what for. 0: it does not.
    std::chrono::nanoseconds claim_life{};
  };

  /// Creates or opens the store in `root` and removes half files that a killed process left.
  /// `already_exists` while another store is open on the same folder.
  static core::result<std::shared_ptr<blob_store>> open(const std::filesystem::path& root,
                                                        options settings);
  ~blob_store();

  core::result<blob_info> put_bytes(std::string_view content);
  /// Stores content that came from elsewhere, if it is what it was announced to be; else
  /// `transfer_error`, and nothing is stored.
  core::result<blob_info> put_expected(const core::blob_id& expected, std::string_view content);
  /// The same for content that comes in pieces. The writer may outlive the store.
  core::result<blob_writer> begin_put(const core::blob_id& expected);
  /// Copies (reflinks where the file system can) from the current content of `source`. This and
  /// `put_move` fail with `cancelled` soon after `stop` was requested. Holes stay holes.
  core::result<blob_info> put_copy(int source, const std::stop_token& stop = {});
  /// Takes the regular file `name` in the open folder `folder` over: moved when nobody has it open
  /// for writing, it has one link and lies on the same file system, else copied. Never follows a
  /// symlink; `invalid_payload` for anything but a regular file. The file may be gone afterwards.
  core::result<blob_info> put_move(int folder, const char* name, const std::stop_token& stop = {});

  [[nodiscard]] bool has(const core::digest& hash) const;
  /// The same, and that it is as long as it should be: a machine that lost power may have kept the
  /// name and lost the bytes.
  [[nodiscard]] bool has(const core::blob_id& blob) const;
  /// Opens for reading; `not_found`.
  core::result<unique_fd> open_blob(const core::digest& hash) const;
  /// Where the blob lies. Nobody may write there.
  [[nodiscard]] std::filesystem::path path_of(const core::digest& hash) const;
  /// Makes `path`, relative to the open folder `folder`, a hard link to the blob's content with
  /// permission bits `mode`: for trees that no task can write to. A copy where the file system has
  /// no further links to give. `not_found` when the blob is absent.
  core::result<void> link_to(const core::digest& hash, std::uint32_t mode, int folder,
                             const char* path);
  /// Makes `path`, relative to the open folder `folder`, a file of its own with the blob's content
  /// (a reflink where the file system can) and permission bits `mode`. `not_found` when the blob is
  /// absent.
  core::result<unique_fd> copy_to(const core::digest& hash, std::uint32_t mode, int folder,
                                  const char* path) const;
  /// Makes every blob put so far durable, in one go.
  core::result<void> flush();
  /// Reads a blob and compares its hash; a damaged one is removed and reported as `object_lost`.
  /// `not_found` when it is absent.
  core::result<void> verify(const core::digest& hash);

  /// SHA-256 of a blob's content, 32 bytes; read once, then remembered while the file stays the same.
  core::result<std::string> sha256_of(const core::digest& hash, const std::stop_token& stop = {});
  /// Gives each file of `files` that is there its SHA-256.
  core::result<void> seal(core::file_map& files, const std::stop_token& stop = {});
  /// Compares the content of the files that have a SHA-256. Fails with `transfer_error` naming the first
  /// path whose content is another, with `not_found` where it is absent.
  core::result<void> check_seals(const core::file_map& files, const std::stop_token& stop = {});

  using swept = blob_folder::swept;
  /// Removes those of `blobs` that nobody put or asked for within `options::claim_life`. Trees that
  /// link to them keep their content.
  core::result<swept> sweep(const std::vector<core::digest>& blobs);
  /// `sweep` spares this one as long as the store is open.
  void keep(const core::digest& hash);
  /// Every blob that is there.
  [[nodiscard]] core::result<std::vector<core::digest>> list() const;

  [[nodiscard]] const std::filesystem::path& root() const noexcept;

private:
  struct data;
  explicit blob_store(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::io
