#include "maze/io/journal.hpp"

#include "maze/io/wal_room.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace maze::io {

namespace {

using core::errc;
using core::fail;

/// "maze" in ASCII: tells a journal from other SQLite files (offset 68 of the file).
/// Source: https://www.sqlite.org/fileformat.html, section 1.3.
constexpr std::int64_t application_id = 0x6d617a65;

/// Migration i leads from schema version i to i + 1. Append only; a published one never changes.
///
/// One row per fact, not per frame of facts: `read_run` and questions about a time select by column,
/// and tests/bench/journal_bench.cpp shows that rows are not the limit in batches of a thousand.
constexpr std::array migrations{
    "CREATE TABLE fact(seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " wall_ns INTEGER NOT NULL, body BLOB NOT NULL) STRICT;",
};

struct close_database {
  void operator()(sqlite3* x) const noexcept { sqlite3_close_v2(x); }
};
struct finalize_statement {
  void operator()(sqlite3_stmt* x) const noexcept { sqlite3_finalize(x); }
};
using database = std::unique_ptr<sqlite3, close_database>;
using statement = std::unique_ptr<sqlite3_stmt, finalize_statement>;

core::error sqlite_error(sqlite3* db, int code, const std::string& file, std::string_view doing) {
  const int number = db == nullptr ? 0 : sqlite3_system_errno(db);
  const auto say = [&](errc what, std::string_view remedy) {
    return core::error{.code = what,
                       .message = fmt::format("journal '{}': {} failed: {}", file, doing, remedy),
                       .origin = "journal",
                       .evidence = fmt::format("SQLite code {} ({}), errno {}", code,
                                               sqlite3_errstr(code), number)};
  };
  switch (code & 0xff) {
  case SQLITE_FULL:
    return say(errc::resource_exhausted, "the disk is full; free some space and start again");
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return say(errc::already_exists,
               "another process holds it; stop that process or choose another --dir");
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return say(errc::permission_denied, "it is read-only for this user; make the file and its "
                                        "folder writable or choose another --dir");
  case SQLITE_CORRUPT:
    return say(errc::malformed, "the file is damaged; restore it from a copy or move it away");
  case SQLITE_NOTADB:
    return say(errc::malformed, "the file is not a journal of maze; move it away");
  case SQLITE_CANTOPEN:
    if (number == EACCES || number == EROFS || number == EPERM)
      return say(errc::permission_denied, std::strerror(number));
    if (number == ENOENT || number == ENOTDIR)
      return say(errc::not_found, std::strerror(number));
    [[fallthrough]];
  default:
    return say(errc::io_error, number == 0 ? sqlite3_errstr(code) : std::strerror(number));
  }
}

/// A connection and the path for its errors.
struct database_connection {
  database db;
  std::string file;

  [[nodiscard]] core::error error(int code, std::string_view doing) const {
    return sqlite_error(db.get(), code, file, doing);
  }
  [[nodiscard]] core::result<void> run(const char* sql, std::string_view doing) const {
    const int code = sqlite3_exec(db.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
      return fail(error(code, doing));
    return {};
  }
  [[nodiscard]] core::result<statement> prepare(const char* sql) const {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(db.get(), sql, -1, &raw, nullptr);
    if (code != SQLITE_OK)
      return fail(error(code, "preparing a statement"));
    return statement(raw);
  }
  /// The first column of the first row, 0 where there is none.
  [[nodiscard]] core::result<std::int64_t> number(const char* sql) const {
    auto query = prepare(sql);
    if (!query)
      return fail(query.error());
    const int code = sqlite3_step(query->get());
    if (code == SQLITE_DONE)
      return 0;
    if (code != SQLITE_ROW)
      return fail(error(code, "opening"));
    return sqlite3_column_int64(query->get(), 0);
  }
};

/// SQLite would create the file with mode 0644. Only a file that is not there is opened here: closing
/// a second descriptor of a journal would drop this process's locks on it (fcntl(2)).
core::result<void> create_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0)
    ::close(fd);
  else if (errno == EACCES || errno == EROFS || errno == EPERM)
    return fail(errc::permission_denied,
                fmt::format("journal '{}' cannot be created: {}; choose another --dir", file,
                            std::strerror(errno)),
                "journal");
  else if (errno == ENOENT || errno == ENOTDIR)
    return fail(errc::not_found,
                fmt::format("journal '{}' cannot be created: its folder does not exist", file),
                "journal");
  return {};
}

/// Checks whose file this is, before anything in it is changed.
core::result<std::int64_t> schema_version(const database_connection& to) {
  const auto owner = to.number("PRAGMA application_id");
  if (!owner)
    return fail(owner.error());
  const auto tables = to.number("SELECT count(*) FROM sqlite_master");
  if (!tables)
    return fail(tables.error());
  if (*owner != application_id && (*owner != 0 || *tables != 0))
    return fail(errc::malformed,
                fmt::format("journal '{}': the file is a SQLite database of another program; move "
                            "it away",
                            to.file),
                "journal");
  const auto version = to.number("PRAGMA user_version");
  if (version && *version > std::int64_t{journal_schema_version()})
    return fail(
        errc::unsupported_operation,
        fmt::format("journal '{}' has schema version {}, this maze knows versions up to {}; "
                    "start a newer maze or choose another --dir",
                    to.file, *version, journal_schema_version()),
        "journal");
  return version;
}

core::result<void> migrate(const database_connection& to, std::int64_t version) {
  for (auto next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
    const auto sql = fmt::format("BEGIN IMMEDIATE; {} PRAGMA application_id = {}; "
                                 "PRAGMA user_version = {}; COMMIT;",
                                 migrations[next], application_id, next + 1);
    if (auto done = to.run(sql.c_str(), fmt::format("migration to schema version {}", next + 1));
        !done)
      return done;
  }
  return {};
}

core::result<database_connection> connect(const std::filesystem::path& file) {
  database_connection to{nullptr, file.string()};
  if (auto created = create_private(to.file); !created)
    return fail(created.error());
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(to.file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  to.db.reset(raw);
  if (opened != SQLITE_OK)
    return fail(to.error(opened, "opening"));
  if (sqlite3_db_readonly(raw, "main") == 1)
    return fail(to.error(SQLITE_READONLY, "opening"));
  // Exclusive before the first read: then the WAL index lies in memory and needs no shared file.
  if (auto done = to.run("PRAGMA locking_mode = EXCLUSIVE", "opening"); !done)
    return fail(done.error());
  const auto version = schema_version(to);
  if (!version)
    return fail(version.error());
  if (auto done = to.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "opening"); !done)
    return fail(done.error());
  if (auto done = migrate(to, *version); !done)
    return fail(done.error());
  return to;
}

journal_row row_of(sqlite3_stmt* from) {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(from, 4));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(from, 4));
  return {.sequence = static_cast<std::uint64_t>(sqlite3_column_int64(from, 0)),
          .run = {std::bit_cast<std::uint64_t>(std::int64_t{sqlite3_column_int64(from, 1)})},
          .kind = static_cast<std::uint8_t>(sqlite3_column_int64(from, 2)),
          .wall_ns = sqlite3_column_int64(from, 3),
          .body = bytes == nullptr ? std::string() : std::string(bytes, size)};
}

} // namespace

std::uint32_t journal_schema_version() noexcept { return migrations.size(); }

journal_row to_row(const core::journal_event& event, core::wall_time at) {
  return {.run = core::run_of(event),
          .kind = core::kind_of(event),
          .wall_ns = at.count(),
          .body = core::encode_journal_event(event)};
}

core::result<core::journal_event> to_event(const journal_row& row) {
  auto event = core::decode_journal_event(row.body);
  if (!event) {
    event.error().message = fmt::format("fact {}: {}", row.sequence, event.error().message);
    return event;
  }
  if (core::run_of(*event) != row.run || core::kind_of(*event) != row.kind)
    return fail(
        errc::malformed,
        fmt::format("fact {}: its columns belong to another fact than its body", row.sequence),
        "journal");
  return event;
}

// --- reading ---------------------------------------------------------------------------------------

struct journal_reader::data {
  const database_connection& to;
  statement rows;
};

journal_reader::journal_reader(std::unique_ptr<data> state) : data_(std::move(state)) {}
journal_reader::journal_reader(journal_reader&&) noexcept = default;
journal_reader& journal_reader::operator=(journal_reader&&) noexcept = default;
journal_reader::~journal_reader() = default;

core::result<std::optional<journal_row>> journal_reader::next() {
  if (data_->rows == nullptr)
    return std::nullopt;
  const int code = sqlite3_step(data_->rows.get());
  if (code == SQLITE_ROW)
    return row_of(data_->rows.get());
  auto what = data_->to.error(code, "reading");
  // A finished statement would start again with the next step.
  data_->rows.reset();
  if (code != SQLITE_DONE)
    return fail(std::move(what));
  return std::nullopt;
}

// --- writing ---------------------------------------------------------------------------------------

struct journal::data {
  database_connection to;
  wal_room room;
  statement begin;
  statement insert;
  statement finish;
  std::uint64_t last = 0;
  std::uint64_t durable = 0;
  bool batch_open = false;
  std::optional<core::error> broken;

  [[nodiscard]] core::result<void> step(const statement& what, std::string_view doing) {
    const int code = sqlite3_step(what.get());
    if (code == SQLITE_DONE) {
      sqlite3_reset(what.get());
      return {};
    }
    auto failed = give_up(code, doing);
    sqlite3_reset(what.get());
    return failed;
  }

  core::result<void> give_up(int code, std::string_view doing) {
    broken = to.error(code, doing);
    sqlite3_exec(to.db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    batch_open = false;
    return fail(*broken);
  }

  [[nodiscard]] core::result<void> write(const journal_row& fact) {
    auto* to_bind = insert.get();
    sqlite3_bind_int64(to_bind, 1, static_cast<std::int64_t>(last + 1));
    sqlite3_bind_int64(to_bind, 2, std::bit_cast<std::int64_t>(fact.run.value));
    sqlite3_bind_int64(to_bind, 3, fact.kind);
    sqlite3_bind_int64(to_bind, 4, fact.wall_ns);
    // The body outlives the step below.
    const int bound =
        sqlite3_bind_blob64(to_bind, 5, fact.body.data(), fact.body.size(), SQLITE_STATIC);
    if (bound != SQLITE_OK)
      return give_up(bound, "appending a fact");
    auto done = step(insert, "appending a fact");
    if (done)
      ++last;
    return done;
  }
};

journal::journal(std::unique_ptr<data> state) : data_(std::move(state)) {}
journal::journal(journal&&) noexcept = default;
journal& journal::operator=(journal&&) noexcept = default;
journal::~journal() = default;

core::result<journal> journal::open(const std::filesystem::path& file) {
  auto to = connect(file);
  if (!to)
    return fail(to.error());
  auto begin = to->prepare("BEGIN IMMEDIATE");
  auto insert = to->prepare("INSERT INTO fact VALUES(?, ?, ?, ?, ?)");
  auto finish = to->prepare("COMMIT");
  if (!begin || !insert || !finish)
    return fail((!begin ? begin : !insert ? insert : finish).error());
  const auto last = to->number("SELECT max(seq) FROM fact");
  if (!last)
    return fail(last.error());
  const auto count = static_cast<std::uint64_t>(*last);
  sqlite3* const db = to->db.get();
  return journal(std::unique_ptr<data>(new data{.to = std::move(*to),
                                                .room = wal_room(db),
                                                .begin = std::move(*begin),
                                                .insert = std::move(*insert),
                                                .finish = std::move(*finish),
                                                .last = count,
                                                .durable = count}));
}

core::result<void> journal::append(std::span<const journal_row> facts) {
  if (data_->broken)
    return fail(*data_->broken);
  if (facts.empty())
    return {};
  if (!data_->batch_open) {
    if (auto begun = data_->step(data_->begin, "beginning a batch"); !begun)
      return begun;
    data_->batch_open = true;
  }
  for (const auto& fact : facts)
    if (auto written = data_->write(fact); !written)
      return written;
  return {};
}

core::result<std::uint64_t> journal::commit() {
  if (data_->broken)
    return fail(*data_->broken);
  if (data_->batch_open) {
    if (auto done = data_->step(data_->finish, "committing"); !done)
      return fail(done.error());
    data_->batch_open = false;
    data_->durable = data_->last;
  }
  return data_->durable;
}

void journal::tend() noexcept { data_->room.tend(); }

core::result<journal_reader> journal::read_from(std::uint64_t sequence) const {
  auto rows = data_->to.prepare("SELECT seq, run, kind, wall_ns, body FROM fact WHERE seq >= ? "
                                "ORDER BY seq");
  if (!rows)
    return fail(rows.error());
  sqlite3_bind_int64(rows->get(), 1, static_cast<std::int64_t>(sequence));
  return journal_reader(
      std::unique_ptr<journal_reader::data>(new journal_reader::data{data_->to, std::move(*rows)}));
}

core::result<journal_reader> journal::read_run(core::run_id run) const {
  auto rows = data_->to.prepare("SELECT seq, run, kind, wall_ns, body FROM fact WHERE run = ? "
                                "ORDER BY seq");
  if (!rows)
    return fail(rows.error());
  sqlite3_bind_int64(rows->get(), 1, std::bit_cast<std::int64_t>(run.value));
  return journal_reader(
      std::unique_ptr<journal_reader::data>(new journal_reader::data{data_->to, std::move(*rows)}));
}

} // namespace maze::io
