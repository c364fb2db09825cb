#include "maze/io/wal_room.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>

namespace maze::io {

namespace {

/// Source: https://www.sqlite.org/fileformat.html, section 4.1.
constexpr std::int64_t wal_header_size = 32;
constexpr std::int64_t frame_header_size = 24;

/// Pages of the WAL after which it is copied back.
constexpr std::int64_t pages_max = 8000;
/// Pages of a commit that is so large that writing twice costs more than a file that grows.
constexpr std::int64_t small_commit = 16;
/// Zeros ahead, in bytes: as much as lies behind them, within these.
constexpr std::int64_t room_min = 64 << 10;
constexpr std::int64_t room_max = 1 << 20;

std::int64_t page_size_of(sqlite3* db) {
  std::int64_t size = 4096;
  sqlite3_stmt* query = nullptr;
  if (sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &query, nullptr) == SQLITE_OK
      && sqlite3_step(query) == SQLITE_ROW)
    size = sqlite3_column_int64(query, 0);
  sqlite3_finalize(query);
  return size;
}

} // namespace

wal_room::wal_room(sqlite3* db) : db_(db), page_size_(page_size_of(db)) {
  sqlite3_wal_hook(db, &wal_room::committed, this);
}

int wal_room::committed(void* self, sqlite3*, const char*, int pages) {
  auto& room = *static_cast<wal_room*>(self);
  if (pages < room.pages_)
    // A WAL that was copied back begins anew.
    room.copied_ = 0;
  room.pages_ = pages;
  return SQLITE_OK;
}

void wal_room::tend() noexcept {
  const std::int64_t grown = pages_ >= tended_ ? pages_ - tended_ : pages_;
  tended_ = pages_;
  copy_back();
  if (grown <= small_commit)
    write_ahead();
}

void wal_room::copy_back() noexcept {
  if (pages_ - copied_ < pages_max)
    return;
  sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  copied_ = pages_;
}

void wal_room::write_ahead() noexcept {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK
      || file == nullptr || file->pMethods == nullptr)
    return;
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK)
    return;
  const std::int64_t used = wal_header_size + pages_ * (page_size_ + frame_header_size);
  const std::int64_t room = std::clamp(used, room_min, room_max);
  if (size - used >= room / 2)
    return;
  static constexpr std::array<char, room_min> zeros{};
  for (std::int64_t at = std::max<std::int64_t>(size, used); at < used + room; at += room_min)
    if (file->pMethods->xWrite(file, zeros.data(), static_cast<int>(zeros.size()), at) != SQLITE_OK)
      return;
  // Here and not with the next commit, which somebody waits for.
  file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

} // namespace maze::io
