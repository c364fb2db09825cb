#pragma once

#include "maze/io/files.hpp"
#include "maze/sandbox/launcher.hpp"

#include <string>
#include <string_view>

namespace maze::sandbox {

/// Keeps what matters of one output stream, in bounded memory: the first `report_max` bytes for the
/// report; of a longer stream also a log file with the head and the tail and a line between them
/// that says how much was cut.
///
/// The tail lies in the file as a ring while the stream flows and is put in order by `finish`, which
/// takes up to `log_max / 2` bytes of memory for that moment.
///
/// @note Not thread-safe. Writes to the log file block on disk.
class output_sink {
public:
  explicit output_sink(capture_limits limits) : limits_(std::move(limits)) {}

  void append(std::string_view bytes);
  /// Up to `size_max` bytes of the stream from `offset` on, as far as they are kept in order so far.
  [[nodiscard]] std::string peek(std::uint64_t offset, std::size_t size_max) const;
  /// What was kept; call once, after the last `append`.
  captured_output finish();

private:
  void keep_tail(std::string_view beyond);
  void log(std::string_view bytes);
  bool open_log();
  void write_ring(std::string_view bytes);
  void order_ring();
  void write_at(std::string_view bytes, std::uint64_t offset);
  void give_up_log(std::string why);
  [[nodiscard]] std::uint64_t head_max() const { return limits_.log_max - limits_.log_max / 2; }
  [[nodiscard]] std::uint64_t ring_size() const { return limits_.log_max / 2; }

  capture_limits limits_;
  captured_output kept_;
  io::unique_fd log_;
  /// Bytes of the stream that went towards the log so far.
  std::uint64_t logged_ = 0;
};

} // namespace maze::sandbox
