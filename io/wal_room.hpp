#pragma once

#include <cstdint>

struct sqlite3;

namespace maze::io {

/// Keeps written zeros ahead of what SQLite appends to its WAL, and copies the WAL back when it is long.
///
/// A sync of bytes that lie within a file is one write to the disk; where the file has grown, the file
/// system's own journal is a second one. SQLite takes zeros behind its frames for the end: their
/// checksum is wrong (https://www.sqlite.org/walformat.html, section 2.1).
///
/// @note Not thread-safe; belongs to the connection that it was made for.
class wal_room {
public:
  /// Takes over the WAL hook of `db`, and with it the checkpoints. `db` must outlive it.
  explicit wal_room(sqlite3* db);
  wal_room(const wal_room&) = delete;
  wal_room& operator=(const wal_room&) = delete;

  /// To be called now and then, when nobody waits. Blocks on disk for milliseconds, tens of them where
  /// it copies 32 MiB back. What the disk refuses is left as it is: the next commit will say so.
  void tend() noexcept;

private:
  static int committed(void* self, sqlite3* db, const char* name, int pages);
  void copy_back() noexcept;
  void write_ahead() noexcept;

  sqlite3* db_;
  std::int64_t page_size_;
  /// Pages in the WAL as of the last commit.
  std::int64_t pages_ = 0;
  /// The same as of the last `tend`.
  std::int64_t tended_ = 0;
  /// What a checkpoint that readers held up left behind; the next one waits for as many pages more.
  std::int64_t copied_ = 0;
};

} // namespace maze::io
