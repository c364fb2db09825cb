#include "maze/io/archive_entries.hpp"

#include "maze/io/files.hpp"
#include "maze/io/folders.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unistd.h>
#include <vector>

namespace maze::io {

namespace {

constexpr std::size_t entry_piece_size = std::size_t{256} << 10;

struct free_handle {
  void operator()(archive* x) const { ::archive_free(x); }
};
using handle = std::unique_ptr<archive, free_handle>;

const char* reason(archive* x) {
  const char* const text = ::archive_error_string(x);
  return text != nullptr ? text : "failed";
}

tl::unexpected<core::error> malformed_archive(archive* x) {
  return core::fail(
      core::errc::malformed,
      fmt::format("it is cut off, or no tar archive, plain or packed with gzip, xz or "
                  "zstd: {}",
                  reason(x)));
}

tl::unexpected<core::error> unwritten(archive* x) {
  return core::fail(core::errc::io_error, fmt::format("write archive: {}", reason(x)));
}

void support(archive* x) {
  ::archive_read_support_filter_gzip(x);
  ::archive_read_support_filter_xz(x);
  ::archive_read_support_filter_zstd(x);
}

handle tar_reader() {
  handle out(::archive_read_new());
  ::archive_read_support_format_tar(out.get());
  ::archive_read_set_options(out.get(), "hdrcharset=BINARY");
  return out;
}

/// Of `archive_read_next_header`.
bool is_error(int got) { return got != ARCHIVE_OK && got != ARCHIVE_WARN && got != ARCHIVE_EOF; }

std::string plain(std::string name) {
  while (name.starts_with("./"))
    name.erase(0, 2);
  while (name.ends_with('/'))
    name.pop_back();
  return name == "." ? std::string() : name;
}

std::string text_or_nothing(const char* text) { return text == nullptr ? "" : text; }

std::string link_of(archive_entry* entry, const std::string& name) {
  if (const char* hard = ::archive_entry_hardlink(entry); hard != nullptr)
    return plain(hard);
  if (::archive_entry_filetype(entry) != AE_IFLNK)
    return {};
  const std::string target = text_or_nothing(::archive_entry_symlink(entry));
  return (std::filesystem::path(name).parent_path() / target).lexically_normal().native();
}

} // namespace

struct unpacked_bytes::data {
  handle in;
  std::vector<char> piece = std::vector<char>(entry_piece_size);
  bool nothing = false;

  data() : in(::archive_read_new()) {
    ::archive_read_support_format_raw(in.get());
    ::archive_read_support_format_empty(in.get());
    support(in.get());
  }
  bool begin() {
    archive_entry* whole = nullptr;
    const int got = ::archive_read_next_header(in.get(), &whole);
    nothing = got == ARCHIVE_EOF;
    return !is_error(got);
  }
};

unpacked_bytes::unpacked_bytes(std::unique_ptr<data> state) : data_(std::move(state)) {}
unpacked_bytes::unpacked_bytes(unpacked_bytes&&) noexcept = default;
unpacked_bytes& unpacked_bytes::operator=(unpacked_bytes&&) noexcept = default;
unpacked_bytes::~unpacked_bytes() = default;

core::result<unpacked_bytes> unpacked_bytes::open(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0)
    return core::fail(errno_error("read an archive from its start", errno));
  auto state = std::make_unique<data>();
  if (::archive_read_open_fd(state->in.get(), fd, entry_piece_size) != ARCHIVE_OK
      || !state->begin())
    return malformed_archive(state->in.get());
  return unpacked_bytes(std::move(state));
}

core::result<std::string_view> unpacked_bytes::next() {
  if (data_->nothing)
    return std::string_view();
  const auto got = ::archive_read_data(data_->in.get(), data_->piece.data(), data_->piece.size());
  if (got < 0)
    return malformed_archive(data_->in.get());
  return std::string_view(data_->piece.data(), static_cast<std::size_t>(got));
}

struct entry_reader::data {
  handle in;
  std::vector<char> piece = std::vector<char>(entry_piece_size);
  /// Where the archive comes in pieces.
  source pieces;
  core::error broken;

  /// Reads of the current entry, holes as zeros. 0: its end.
  la_ssize_t read() { return ::archive_read_data(in.get(), piece.data(), piece.size()); }
  static la_ssize_t read_inner(archive* inner, void* client, const void** bytes) {
    auto& own = *static_cast<data*>(client);
    *bytes = own.piece.data();
    const auto got = own.read();
    if (got < 0)
      ::archive_set_error(inner, EIO, "%s", reason(own.in.get()));
    return got;
  }
  static la_ssize_t read_piece(archive* from, void* client, const void** bytes) {
    auto& own = *static_cast<data*>(client);
    const auto got = own.pieces();
    if (!got) {
      own.broken = got.error();
      ::archive_set_error(from, EIO, "the source failed");
      return -1;
    }
    *bytes = got->data();
    return static_cast<la_ssize_t>(got->size());
  }
  [[nodiscard]] tl::unexpected<core::error> failure() const {
    return broken.code != core::errc::none ? core::fail(broken) : malformed_archive(in.get());
  }
};

entry_reader::entry_reader(std::unique_ptr<data> state) : data_(std::move(state)) {}
entry_reader::entry_reader(entry_reader&&) noexcept = default;
entry_reader& entry_reader::operator=(entry_reader&&) noexcept = default;
entry_reader::~entry_reader() = default;

core::result<entry_reader> entry_reader::open(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0)
    return core::fail(errno_error("read an archive from its start", errno));
  auto state = std::make_unique<data>();
  state->in = tar_reader();
  support(state->in.get());
  if (::archive_read_open_fd(state->in.get(), fd, entry_piece_size) != ARCHIVE_OK)
    return malformed_archive(state->in.get());
  return entry_reader(std::move(state));
}

core::result<entry_reader> entry_reader::open(source pieces) {
  auto state = std::make_unique<data>();
  state->in = tar_reader();
  ::archive_read_support_format_empty(state->in.get());
  state->pieces = std::move(pieces);
  if (::archive_read_open(state->in.get(), state.get(), nullptr, data::read_piece, nullptr)
      != ARCHIVE_OK)
    return state->failure();
  return entry_reader(std::move(state));
}

core::result<std::optional<archive_entry_view>> entry_reader::next() {
  archive_entry* entry = nullptr;
  const int got = ::archive_read_next_header(data_->in.get(), &entry);
  if (got == ARCHIVE_EOF)
    return std::nullopt;
  if (is_error(got))
    return data_->failure();
  archive_entry_view out{.name = plain(text_or_nothing(::archive_entry_pathname(entry))),
                         .is_file = ::archive_entry_filetype(entry) == AE_IFREG,
                         .is_program = false,
                         .size = 0,
                         .link = {}};
  out.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(entry)));
  out.is_program = out.is_file && out.size > 0 && (::archive_entry_perm(entry) & 0111U) != 0;
  out.link = link_of(entry, out.name);
  return std::optional(std::move(out));
}

core::result<std::string> entry_reader::text(std::uint64_t size_max) {
  std::string out;
  for (;;) {
    const auto got = data_->read();
    if (got < 0)
      return data_->failure();
    if (got == 0)
      return out;
    out.append(data_->piece.data(), static_cast<std::size_t>(got));
    if (out.size() > size_max)
      return core::fail(core::errc::malformed, "an entry of the archive is longer than it says");
  }
}

core::result<unpacked_bytes> entry_reader::unpacked() {
  auto state = std::make_unique<unpacked_bytes::data>();
  if (::archive_read_open(state->in.get(), data_.get(), nullptr, data::read_inner, nullptr)
          != ARCHIVE_OK
      || !state->begin())
    return malformed_archive(state->in.get());
  return unpacked_bytes(std::move(state));
}

struct entry_writer::data {
  handle out;
  std::uint64_t left = 0;
};

entry_writer::entry_writer(std::unique_ptr<data> state) : data_(std::move(state)) {}
entry_writer::entry_writer(entry_writer&&) noexcept = default;
entry_writer& entry_writer::operator=(entry_writer&&) noexcept = default;
entry_writer::~entry_writer() = default;

core::result<entry_writer> entry_writer::open(int fd) {
  auto state = std::make_unique<data>();
  state->out.reset(::archive_write_new());
  ::archive_write_set_format_pax_restricted(state->out.get());
  if (::archive_write_open_fd(state->out.get(), fd) != ARCHIVE_OK)
    return unwritten(state->out.get());
  return entry_writer(std::move(state));
}

core::result<void> entry_writer::begin(const std::string& name, std::uint64_t size) {
  if (data_->left > 0)
    return core::fail(core::errc::malformed, "a file is shorter than it was");
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> header(::archive_entry_new(),
                                                                        &::archive_entry_free);
  ::archive_entry_copy_pathname(header.get(), name.c_str());
  ::archive_entry_set_filetype(header.get(), AE_IFREG);
  ::archive_entry_set_perm(header.get(), 0444);
  ::archive_entry_set_size(header.get(), static_cast<la_int64_t>(size));
  if (::archive_write_header(data_->out.get(), header.get()) != ARCHIVE_OK)
    return unwritten(data_->out.get());
  data_->left = size;
  return {};
}

core::result<void> entry_writer::write(std::string_view piece) {
  if (piece.size() > data_->left)
    return core::fail(core::errc::malformed, "a file is longer than it was");
  if (::archive_write_data(data_->out.get(), piece.data(), piece.size())
      != static_cast<la_ssize_t>(piece.size()))
    return unwritten(data_->out.get());
  data_->left -= piece.size();
  return {};
}

core::result<void> entry_writer::finish() {
  if (data_->left > 0)
    return core::fail(core::errc::malformed, "a file is shorter than it was");
  if (::archive_write_close(data_->out.get()) != ARCHIVE_OK)
    return unwritten(data_->out.get());
  return {};
}

} // namespace maze::io
