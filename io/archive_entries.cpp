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

tl::unexpected<core::error> failed(archive* x, core::errc code, std::string_view doing) {
  const char* text = ::archive_error_string(x);
  return core::fail(code, fmt::format("{}: {}", doing, text != nullptr ? text : "failed"));
}

void support(archive* x) {
  ::archive_read_support_filter_gzip(x);
  ::archive_read_support_filter_xz(x);
  ::archive_read_support_filter_zstd(x);
}

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

struct entry_reader::data {
  handle in;
  std::vector<char> piece = std::vector<char>(entry_piece_size);

  /// Reads of the current entry, holes as zeros. 0: its end.
  la_ssize_t read() { return ::archive_read_data(in.get(), piece.data(), piece.size()); }
  static la_ssize_t read_inner(archive*, void* client, const void** bytes) {
    auto& own = *static_cast<data*>(client);
    *bytes = own.piece.data();
    return own.read();
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
  state->in.reset(::archive_read_new());
  ::archive_read_support_format_tar(state->in.get());
  support(state->in.get());
  ::archive_read_set_options(state->in.get(), "hdrcharset=BINARY");
  if (::archive_read_open_fd(state->in.get(), fd, entry_piece_size) != ARCHIVE_OK)
    return failed(state->in.get(), core::errc::malformed, "open archive");
  return entry_reader(std::move(state));
}

core::result<std::optional<archive_entry_view>> entry_reader::next() {
  archive_entry* entry = nullptr;
  const int got = ::archive_read_next_header(data_->in.get(), &entry);
  if (got == ARCHIVE_EOF)
    return std::nullopt;
  if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
    return failed(data_->in.get(), core::errc::malformed, "read archive");
  archive_entry_view out{.name = plain(text_or_nothing(::archive_entry_pathname(entry))),
                         .is_file = ::archive_entry_filetype(entry) == AE_IFREG,
                         .size = 0,
                         .link = {}};
  out.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(entry)));
  out.link = link_of(entry, out.name);
  return std::optional(std::move(out));
}

core::result<std::string> entry_reader::text(std::uint64_t size_max) {
  std::string out;
  for (;;) {
    const auto got = data_->read();
    if (got < 0)
      return failed(data_->in.get(), core::errc::malformed, "read archive");
    if (got == 0)
      return out;
    out.append(data_->piece.data(), static_cast<std::size_t>(got));
    if (out.size() > size_max)
      return core::fail(core::errc::malformed, "an entry of the archive is longer than it says");
  }
}

core::result<void> entry_reader::unpack(const take& each) {
  const handle inner(::archive_read_new());
  ::archive_read_support_format_raw(inner.get());
  support(inner.get());
  archive_entry* whole = nullptr;
  if (::archive_read_open(inner.get(), data_.get(), nullptr, data::read_inner, nullptr)
          != ARCHIVE_OK
      || ::archive_read_next_header(inner.get(), &whole) != ARCHIVE_OK)
    return failed(inner.get(), core::errc::malformed, "unpack an entry of the archive");
  std::vector<char> piece(entry_piece_size);
  for (;;) {
    const auto got = ::archive_read_data(inner.get(), piece.data(), piece.size());
    if (got < 0)
      return failed(inner.get(), core::errc::malformed, "unpack an entry of the archive");
    if (got == 0)
      return {};
    if (auto taken = each({piece.data(), static_cast<std::size_t>(got)}); !taken)
      return taken;
  }
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
    return failed(state->out.get(), core::errc::io_error, "write archive");
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
    return failed(data_->out.get(), core::errc::io_error, "write archive");
  data_->left = size;
  return {};
}

core::result<void> entry_writer::write(std::string_view piece) {
  if (piece.size() > data_->left)
    return core::fail(core::errc::malformed, "a file is longer than it was");
  if (::archive_write_data(data_->out.get(), piece.data(), piece.size())
      != static_cast<la_ssize_t>(piece.size()))
    return failed(data_->out.get(), core::errc::io_error, "write archive");
  data_->left -= piece.size();
  return {};
}

core::result<void> entry_writer::finish() {
  if (data_->left > 0)
    return core::fail(core::errc::malformed, "a file is shorter than it was");
  if (::archive_write_close(data_->out.get()) != ARCHIVE_OK)
    return failed(data_->out.get(), core::errc::io_error, "finish archive");
  return {};
}

} // namespace maze::io
