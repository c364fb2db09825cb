#include "maze/io/blob_writer.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze::io {

core::error wrong_content(const core::blob_id& expected, const hashed_content& seen) {
  return core::error{.code = core::errc::transfer_error,
                     .message = fmt::format(
                         "blob {} of {} bytes arrived as {} bytes with hash {} and was dropped",
                         to_string(expected.hash), expected.size, seen.size, to_string(seen.hash))};
}

blob_writer::blob_writer(std::shared_ptr<blob_folder> folder, blob_folder::temporary_file file,
                         core::blob_id expected)
    : folder_(std::move(folder)), file_(std::move(file)), expected_(expected) {}

blob_writer::blob_writer(blob_writer&& other) noexcept = default;

blob_writer& blob_writer::operator=(blob_writer&& other) noexcept {
  if (this != &other) {
    abandon();
    folder_ = std::move(other.folder_);
    file_ = std::move(other.file_);
    expected_ = other.expected_;
    hash_ = std::move(other.hash_);
    written_ = other.written_;
  }
  return *this;
}

blob_writer::~blob_writer() { abandon(); }

void blob_writer::abandon() noexcept {
  if (const auto folder = std::exchange(folder_, nullptr))
    folder->drop(file_.name);
  file_.fd.reset();
}

core::result<void> blob_writer::write(std::string_view piece) {
  if (piece.size() > expected_.size - written_)
    return core::fail(core::errc::transfer_error,
                      fmt::format("blob {} is longer than the {} bytes announced",
                                  to_string(expected_.hash), expected_.size));
  hash_.update(piece);
  if (auto done = write_all(file_.fd.get(), piece); !done)
    return done;
  written_ += piece.size();
  return {};
}

core::result<bool> blob_writer::commit() {
  const hashed_content seen{.hash = hash_.finish(), .size = written_};
  if (seen.hash != expected_.hash || seen.size != expected_.size) {
    abandon();
    return core::fail(wrong_content(expected_, seen));
  }
  const auto folder = std::exchange(folder_, nullptr);
  return folder->settle(std::exchange(file_, {}), seen);
}

} // namespace maze::io
