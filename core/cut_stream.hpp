#pragma once

#include <cstdint>
#include <string>

namespace maze::core {

/// An output stream of which the attempt's value holds only the start, or whose log is not whole.
struct cut_stream {
  /// `stdout` or `stderr`.
  std::string stream;
  /// Bytes that the child wrote, and how many of them the value holds.
  std::uint64_t total = 0;
  std::uint64_t kept = 0;
  /// The file with the rest, on the attempt's node; empty where there is none.
  std::string log;
  /// Why the log is missing or incomplete; empty where it is neither.
  std::string log_error;

  friend bool operator==(const cut_stream&, const cut_stream&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, cut_stream& x) {
    return f(x.stream, x.total, x.kept, x.log, x.log_error);
  }
};

} // namespace maze::core
