#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/journal_event.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace maze::io {

/// One fact as it lies in the journal: an encoded `core::journal_event` and what queries select by.
struct journal_row {
  /// Position in the journal, from 1; given by `append`.
  std::uint64_t sequence = 0;
  /// The run that the fact belongs to; zero for facts about the cluster.
  core::run_id run;
  /// Which alternative of `core::journal_event` the body holds.
  std::uint8_t kind = 0;
  /// When the fact came about: nanoseconds since 1970 on the master's wall clock.
  std::int64_t wall_ns = 0;
  std::string body;

  friend bool operator==(const journal_row&, const journal_row&) = default;
};

/// The row of an event that came about at `at`; its sequence is 0.
journal_row to_row(const core::journal_event& event, core::wall_time at);
/// The inverse. Fails as `core::decode_journal_event` does, naming the sequence; `malformed` where
/// the columns contradict the body.
core::result<core::journal_event> to_event(const journal_row& row);

/// Reads a journal in order, row by row, in constant memory.
///
/// @note Sees the open batch of its journal too. Must not outlive it. Not thread-safe.
class journal_reader {
public:
  journal_reader(journal_reader&&) noexcept;
  journal_reader& operator=(journal_reader&&) noexcept;
  ~journal_reader();

  /// The next row, or nothing at the end; `malformed` where the file is damaged.
  core::result<std::optional<journal_row>> next();

private:
  friend class journal;
  struct data;
  explicit journal_reader(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

/// Every durable fact of a master, in order, in one SQLite file (its format: io/README.md).
///
/// Group commit: `append` adds to the open batch, `commit` makes the batch durable as a whole; after
/// a crash either all of a batch is there or none of it. After the first failure of `append` or
/// `commit` nothing of the open batch is kept and every further call fails alike: memory must not
/// outlive a disk that refused.
///
/// Errors: `resource_exhausted` (disk full), `permission_denied` (read-only), `already_exists`
/// (another process holds it), `malformed` (damaged, or not a journal of maze),
/// `unsupported_operation` (written by a newer maze), `not_found` (no such folder), else `io_error`.
///
/// @note Not thread-safe; blocks on disk. Locks the file against every other process until the end.
class journal {
public:
  /// The longest path of a file, in bytes. Source: SQLite's unix VFS takes 512 with the closing zero
  /// (MAX_PATHNAME in os_unix.c), and the pager appends `-journal` within that.
  static constexpr std::size_t path_size_max = 512 - 8;

  /// Opens `file`, or creates it with mode 0600, and brings an older schema up to date.
  static core::result<journal> open(const std::filesystem::path& file);
  journal(journal&&) noexcept;
  journal& operator=(journal&&) noexcept;
  /// Forgets the open batch.
  ~journal();

  /// Adds `facts` to the open batch in this order; their `sequence` is ignored.
  core::result<void> append(std::span<const journal_row> facts);
  /// Makes the open batch durable; without one it does nothing.
  /// @returns the sequence of the last durable fact, 0 where there is none.
  core::result<std::uint64_t> commit();
  /// What can wait until the world has heard of a commit: copies SQLite's log back when it is long, and
  /// makes the file ready for the commits to come. To be called after commits; without it everything
  /// stays right, and the log grows.
  void tend() noexcept;
  /// All rows whose sequence is at least `sequence`.
  core::result<journal_reader> read_from(std::uint64_t sequence) const;
  /// All rows of `run`.
  core::result<journal_reader> read_run(core::run_id run) const;

private:
  struct data;
  explicit journal(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

/// The schema version that this build writes: the number of known migrations.
std::uint32_t journal_schema_version() noexcept;

} // namespace maze::io
