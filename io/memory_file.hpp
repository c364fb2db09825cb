#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <string_view>

namespace maze::io {

/// A file in memory that nobody but its holders can find. `name` shows in /proc only. Fails with
/// `resource_exhausted` where memory or descriptors ran out, else with `io_error`.
core::result<unique_fd> make_memory_file(const char* name);

/// One that holds `content`, read from its start, and that nobody can change any more.
core::result<unique_fd> make_sealed_file(const char* name, std::string_view content);

/// One of `size` zero bytes that its holders can write to and whose size nobody can change any more, so that it can be
/// mapped beside somebody who is not trusted.
core::result<unique_fd> make_fixed_file(const char* name, std::uint64_t size);

} // namespace maze::io
