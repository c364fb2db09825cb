#pragma once

#include "maze/io/byte_stream.hpp"
#include "maze/io/stream.hpp"

#include <utility>

namespace maze::io {

/// An authenticated stream as the bulk plane uses it.
class bulk_channel final : public byte_stream {
public:
  explicit bulk_channel(stream from) : stream_(std::move(from)) {}

  core::result<std::size_t> read_some(std::span<char> room, stream_deadline until) override {
    return stream_.read_some(room, until);
  }
  core::result<void> write_all(std::string_view bytes, stream_deadline until) override {
    return stream_.write_all(std::span(bytes.data(), bytes.size()), until);
  }
  core::result<void> send_file(int file, std::uint64_t offset, std::uint64_t length,
                               stream_deadline until) override {
    return stream_.send_file(file, offset, length, until);
  }
  void shut_down() noexcept override { stream_.interrupt(); }

private:
  stream stream_;
};

} // namespace maze::io
