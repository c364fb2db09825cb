#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_claims.hpp"
#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace maze::io {

/// Where a blob lies, relative to `blobs/`: `ab/<32 hex>`.
std::string blob_name(const core::digest& hash);

/// The folders below a blob store, and the only way in which a blob appears there: written under a
/// temporary name or none, given its own at the end, later made durable. On disk: io/README.md, "Blob store".
///
/// @note Thread-safe. Blocks on disk.
class blob_folder {
public:
  /// Permission bits of every blob.
  static constexpr mode_t blob_mode = 0644;

  /// When a new file gets a name. At the end keeps writers out of each other's way and leaves nothing
  /// behind when the process dies, but not every file system can, nor every user before Linux 6.10:
  /// there it means at once.
  enum class naming { at_the_end, at_once };

  /// Makes or opens the folders in `root`, locks them, and empties `tmp/` and `modes/`.
  /// `already_exists` while another process or store has them open.
  /// @param claim_life  for how long `sweep` spares a blob that was settled or found present; 0: it does
  ///                    not.
  static core::result<std::shared_ptr<blob_folder>> open(const std::filesystem::path& root,
                                                         bool durable,
                                                         naming wish = naming::at_the_end,
                                                         std::chrono::nanoseconds claim_life = {});

  /// A new file, open for reading and writing, and its name in `tmp/` if it has one.
  struct temporary_file {
    std::string name;
    unique_fd fd;
  };
  core::result<temporary_file> make_temporary();
  /// A name in `tmp/` that nobody else gets.
  std::string temporary_name() { return std::to_string(next_temporary_.fetch_add(1)); }
  void drop(const std::string& temporary) const;
  /// Gives the complete temporary file its place.
  /// @returns whether the blob is new; where it was there already the temporary file is gone.
  core::result<bool> settle(temporary_file file, const hashed_content& content);

  /// Whether the blob is there, and claims it; with `size` only if it is that long (a machine that lost power may
  /// have kept the name and lost the bytes).
  [[nodiscard]] bool present(const core::digest& hash, std::optional<std::uint64_t> size);
  /// Removes a blob that turned out to be damaged, with its variants.
  void remove(const core::digest& hash) const;

  struct swept {
    /// There, and gone now.
    std::vector<core::digest> removed;
    /// Bytes of those.
    std::uint64_t bytes = 0;
    /// Spared, because somebody brought or asked for them a moment ago.
    std::vector<core::digest> claimed;
    /// Bytes of those.
    std::uint64_t claimed_bytes = 0;
  };
  /// Removes those of `blobs` that are there and not claimed, with their variants.
  core::result<swept> sweep(const std::vector<core::digest>& blobs);
  /// `sweep` spares this one as long as the folder is open.
  void keep(const core::digest& hash) { claims_.keep(hash); }
  /// Every blob that is there. What comes meanwhile may be missing.
  [[nodiscard]] core::result<std::vector<core::digest>> list() const;
  /// Makes every blob settled so far durable, in one go.
  core::result<void> flush();

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] int blobs() const noexcept { return blobs_.get(); }
  [[nodiscard]] int modes() const noexcept { return modes_.get(); }
  [[nodiscard]] int temporary() const noexcept { return temporary_.get(); }
  /// The file system's device number.
  [[nodiscard]] dev_t device() const noexcept { return device_; }

private:
  explicit blob_folder(std::chrono::nanoseconds claim_life) : claims_(claim_life) {}
  [[nodiscard]] bool can_name_at_the_end() const;
  [[nodiscard]] int place(const temporary_file& file, const std::string& to, unsigned flags) const;
  [[nodiscard]] int place_in_folder(const temporary_file& file, const std::string& to,
                                    unsigned flags) const;
  void remove_variants(const core::digest_set& of) const;
  [[nodiscard]] core::result<void> sync_blob(const core::digest& hash) const;
  [[nodiscard]] core::result<void> sync(const std::vector<core::digest>& fresh, bool all) const;

  std::filesystem::path root_;
  bool durable_ = true;
  blob_claims claims_;
  /// Carries the lock.
  unique_fd root_fd_;
  unique_fd blobs_;
  unique_fd modes_;
  unique_fd temporary_;
  dev_t device_ = 0;
  naming naming_ = naming::at_once;
  std::atomic<std::uint64_t> next_temporary_{1};
  /// Held for a whole flush: a second flush returns when the blobs that the first one took are safe.
  std::mutex flushing_;
  /// Guards `unsynced_` and `sync_all_`.
  std::mutex guard_;
  std::vector<core::digest> unsynced_;
  /// Blobs of an earlier process may never have reached the disk.
  bool sync_all_ = false;
};

} // namespace maze::io
