#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

/// An entry of an archive.
struct archive_entry_view {
  /// As paths are written: without `./` in front and slashes behind. Empty: the root itself.
  std::string name;
  bool is_file = false;
  /// A file with something in it that somebody may execute.
  bool is_program = false;
  /// In bytes, as announced.
  std::uint64_t size = 0;
  /// What a link of either kind leads to, as a name of the archive; may be none of its entries. Empty: it is no link.
  std::string link;
};

/// Bytes that may be packed with gzip, xz or zstd, unpacked piece by piece.
class unpacked_bytes {
public:
  /// Those of `fd` from its start. Moves its position; it stays open.
  static core::result<unpacked_bytes> open(int fd);
  unpacked_bytes(unpacked_bytes&&) noexcept;
  unpacked_bytes& operator=(unpacked_bytes&&) noexcept;
  ~unpacked_bytes();

  /// The next piece, there until the next call; empty at the end. Fails with `malformed`.
  core::result<std::string_view> next();

private:
  friend class entry_reader;
  struct data;
  explicit unpacked_bytes(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

/// Reads a tar archive entry by entry, packed with gzip, xz, zstd or not at all, from bytes that nobody vouches for. Writes nothing.
class entry_reader {
public:
  using source = std::function<core::result<std::string_view>()>;

  /// From the start of `fd`, whose position it moves and which stays open.
  static core::result<entry_reader> open(int fd);
  /// Of an archive that is not packed and comes in pieces, each there until the next is asked for; an empty one is its end. Nothing at all is an archive
  /// without entries. Fails as `pieces` does, too, here and later.
  static core::result<entry_reader> open(source pieces);
  entry_reader(entry_reader&&) noexcept;
  entry_reader& operator=(entry_reader&&) noexcept;
  ~entry_reader();

  /// The next entry; nothing at the end. Fails with `malformed`.
  core::result<std::optional<archive_entry_view>> next();
  /// The content of the entry that came last; `malformed` where that is longer than `size_max` bytes.
  core::result<std::string> text(std::uint64_t size_max);
  /// That content, unpacked where it is packed itself: of use until the next entry is asked for, and as long as this stays where it is. Fails with
  /// `malformed`.
  core::result<unpacked_bytes> unpacked();

private:
  struct data;
  explicit entry_reader(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

/// Writes files to a tar archive: no times, no owners.
class entry_writer {
public:
  /// To the current position of `fd`, which stays open.
  static core::result<entry_writer> open(int fd);
  entry_writer(entry_writer&&) noexcept;
  entry_writer& operator=(entry_writer&&) noexcept;
  ~entry_writer();

  core::result<void> begin(const std::string& name, std::uint64_t size);
  /// More of the file that was begun last; `malformed` beyond its size.
  core::result<void> write(std::string_view piece);
  /// Ends the archive; `malformed` where a file is shorter than announced.
  core::result<void> finish();

private:
  struct data;
  explicit entry_writer(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::io
