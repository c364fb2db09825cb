#pragma once

#include "gateway/operation.hpp"
#include "maze/io/files.hpp"

namespace maze::gateway {

/// The report of the run that `in` names, if its files are to be had.
core::result<actors::run_report> published_by(const request& in);

/// Content of a file that a run published.
struct run_file {
  io::unique_fd content;
  std::uint64_t size = 0;
};

/// The file `path` of the run that `in` names. Fails with `not_found`, and with `invalid_argument` for a folder or link.
core::result<run_file> open_file(const request& in);

/// Text from `offset` on, at most `most` bytes, of whole characters. Fails with `unsupported_operation` where it is none.
core::result<std::string> read_part(const run_file& file, std::uint64_t offset, std::uint64_t most);

} // namespace maze::gateway
