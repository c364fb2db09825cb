#include "maze/io/memory_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

core::result<unique_fd> make(const char* name, unsigned flags) {
  unique_fd out(::memfd_create(name, MFD_CLOEXEC | flags));
  if (!out)
    return core::fail(errno_error(fmt::format("a file in memory for {}", name), errno));
  return out;
}

} // namespace

core::result<unique_fd> make_memory_file(const char* name) { return make(name, 0); }

core::result<unique_fd> make_sealed_file(const char* name, std::string_view content) {
  auto out = make(name, MFD_ALLOW_SEALING);
  if (!out)
    return out;
  if (auto written = write_all(out->get(), content); !written)
    return core::fail(written.error());
  if (::lseek(out->get(), 0, SEEK_SET) != 0)
    return core::fail(errno_error(fmt::format("rewind a file in memory for {}", name), errno));
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(out->get(), F_ADD_SEALS, seals) != 0)
    return core::fail(errno_error(fmt::format("seal a file in memory for {}", name), errno));
  return out;
}

core::result<unique_fd> make_fixed_file(const char* name, std::uint64_t size) {
  auto out = make(name, MFD_ALLOW_SEALING);
  if (!out)
    return out;
  if (::ftruncate(out->get(), static_cast<off_t>(size)) != 0
      || ::fcntl(out->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return core::fail(errno_error(fmt::format("size of a file in memory for {}", name), errno));
  return out;
}

} // namespace maze::io
