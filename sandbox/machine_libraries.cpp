#include "maze/sandbox/machine_libraries.hpp"

#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <system_error>
#include <unistd.h>

namespace maze::sandbox {

namespace {

namespace fs = std::filesystem;

/// The loader that a program names.
/// Source: elf(5), PT_INTERP.
fs::path loader_of(const fs::path& program) {
  const io::unique_fd file(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  ElfW(Ehdr) head{};
  const auto read = [&file](void* to, std::size_t size, std::uint64_t at) {
    return ::pread(file.get(), to, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  };
  if (!file || !read(&head, sizeof head, 0) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
    return {};
  for (unsigned i = 0; i < head.e_phnum; ++i) {
    ElfW(Phdr) part{};
    if (!read(&part, sizeof part, head.e_phoff + i * sizeof part))
      return {};
    if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz > PATH_MAX)
      continue;
    std::string name(part.p_filesz, '\0');
    return read(name.data(), name.size(), part.p_offset) ? fs::path(name.c_str()) : fs::path();
  }
  return {};
}

fs::path shown_at(const fs::path& path) { return container_folder / path.relative_path(); }

} // namespace

core::result<machine_libraries> libraries_for(const fs::path& program) {
  std::error_code failed;
  const fs::path loader = fs::canonical(loader_of(program), failed);
  if (failed)
    return core::fail(core::errc::unsupported_operation,
                      fmt::format("{} is no dynamic program of this machine, so it cannot run "
                                  "with its libraries in a container",
                                  program.native()),
                      "launch");
  // The order of /etc/ld.so.conf: what was built here goes before what was installed.
  const fs::path triplet = loader.parent_path().filename();
  machine_libraries out;
  std::string search;
  std::vector<fs::path> folders;
  for (const fs::path folder :
       {"/usr/local/lib", "/usr/local/lib64", "/lib", "/usr/lib", "/lib64", "/usr/lib64"}) {
    const fs::path real = fs::canonical(folder, failed);
    if (failed || std::find(folders.begin(), folders.end(), real) != folders.end())
      continue;
    folders.push_back(real);
    out.mounts.push_back({real, shown_at(real), false});
    for (const fs::path& each : {real / triplet, real})
      if (fs::is_directory(each, failed))
        search += (search.empty() ? "" : ":") + shown_at(each).native();
  }
  const fs::path shown = container_folder / program.filename();
  out.mounts.push_back({program, shown, false});
  out.command = {shown_at(loader).native(), "--inhibit-cache", "--library-path", search,
                 shown.native()};
  return out;
}

} // namespace maze::sandbox
