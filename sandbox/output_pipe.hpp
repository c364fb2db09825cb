#pragma once

#include "maze/sandbox/stdio.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <mutex>

namespace maze::sandbox {

/// The reading end of one output stream of a child. Bounded: what is kept depends on the limits
/// alone, not on how much the child writes.
///
/// A child that ends soon leaves what it wrote in the pipe, where `finish` finds it; `watch` is for
/// one that lives on and could fill the pipe and wait for its reader.
///
/// @note Thread-safe.
class output_pipe : public std::enable_shared_from_this<output_pipe> {
public:
  output_pipe(boost::asio::io_context& context, io::unique_fd read_end, capture_limits limits);

  /// From now on reads on the context whatever arrives; that pending wait keeps this object alive.
  void watch();
  /// Up to `size_max` bytes of what was read so far, from `offset` on, where they are kept in order.
  std::string peek(std::uint64_t offset, std::size_t size_max);
  /// Reads what lies in the pipe, closes it and returns what was kept; call once.
  /// @pre The child's whole tree is dead: whoever else holds the other end is not waited for.
  captured_output finish();

private:
  void wait();
  void readable();
  /// Bytes read; 0 at the end of the stream or when nothing is there.
  std::size_t read_some(int fd, std::size_t size_max);

  /// Guards everything below.
  std::mutex mutex_;
  /// Owns the descriptor until `watch`.
  io::unique_fd unwatched_;
  boost::asio::posix::stream_descriptor stream_;
  output_sink sink_;
};

} // namespace maze::sandbox
