#include "maze/io/export.hpp"

#include "maze/core/workflow.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/tree_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

bool fits_one(const std::vector<std::string>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return core::glob_match(glob, path); });
}

bool is_wanted(const std::vector<std::string>& globs, std::string_view path) {
  if (globs.empty())
    return true;
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    if (fits_one(globs, path.substr(0, end)))
      return true;
    if (end == std::string_view::npos)
      return false;
  }
}

core::error in_the_way(const std::filesystem::path& destination, std::string_view why) {
  return core::error{.code = core::errc::already_exists,
                     .message = fmt::format("{} {}: nothing is overwritten, choose another place",
                                            destination.native(), why)};
}

/// A fresh private folder in `parent`.
core::result<std::string> make_temporary(const std::filesystem::path& parent) {
  auto name = (parent / ".maze-XXXXXX").native();
  if (::mkdtemp(name.data()) == nullptr)
    return core::fail(errno_error(fmt::format("create a folder in {}", parent.native()), errno));
  return std::filesystem::path(name).filename().native();
}

/// Moves everything in `from` one level up, beside it; it is empty afterwards.
core::result<void> lift_content(int parent, const std::string& from) {
  const auto folder = open_folder(parent, from);
  if (!folder)
    return core::fail(folder.error());
  const auto names = names_in(folder->get());
  if (!names)
    return core::fail(names.error());
  for (const auto& name : *names)
    if (::renameat2(folder->get(), name.c_str(), parent, name.c_str(), RENAME_NOREPLACE) != 0)
      return core::fail(errno_error(fmt::format("rename to {}", shown(name)), errno));
  return {};
}

struct target {
  std::filesystem::path destination;
  /// An empty folder stays the folder that it is: someone may stand in it.
  bool exists = false;
};

core::result<target> look_at(const std::filesystem::path& wanted) {
  target out{.destination = std::filesystem::absolute(wanted).lexically_normal(), .exists = false};
  if (!out.destination.has_filename())
    out.destination = out.destination.parent_path();
  struct stat status {};
  if (::lstat(out.destination.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return out;
    return core::fail(errno_error(fmt::format("stat {}", out.destination.native()), errno));
  }
  if (!S_ISDIR(status.st_mode))
    return core::fail(in_the_way(out.destination, "exists and is no folder"));
  const auto folder = open_folder(AT_FDCWD, out.destination);
  if (!folder)
    return core::fail(folder.error());
  const auto names = names_in(folder->get());
  if (!names)
    return core::fail(names.error());
  if (!names->empty())
    return core::fail(in_the_way(out.destination, "is not empty"));
  out.exists = true;
  return out;
}

core::result<void> write_to(const target& to, const core::file_map& files, blob_store& store) {
  const auto parent = to.exists ? to.destination : to.destination.parent_path();
  std::error_code failure;
  std::filesystem::create_directories(parent, failure);
  if (failure)
    return core::fail(errno_error(fmt::format("mkdir {}", parent.native()), failure.value()));
  const auto above = open_folder(AT_FDCWD, parent);
  if (!above)
    return core::fail(above.error());
  const auto name = make_temporary(parent);
  if (!name)
    return core::fail(name.error());
  auto folder = open_folder(above->get(), *name);
  core::result<void> done;
  if (!folder)
    done = core::fail(folder.error());
  else
    done =
        build_tree({.files = files, .surroundings = files, .copies = true}, store, folder->get());
  if (done && to.exists) {
    done = lift_content(above->get(), *name);
    // It was empty before: whatever is in it now came from us.
    if (!done)
      (void)remove_content(unique_fd(::fcntl(above->get(), F_DUPFD_CLOEXEC, 0)));
  } else if (done && ::fchmod(folder->get(), 0755) != 0)
    done = core::fail(errno_error("chmod of the new folder", errno));
  else if (done
           && ::renameat2(above->get(), name->c_str(), above->get(),
                          to.destination.filename().c_str(), RENAME_NOREPLACE)
                  != 0)
    done = core::fail(
        errno == EEXIST ? in_the_way(to.destination, "has appeared meanwhile")
                        : errno_error(fmt::format("rename to {}", to.destination.native()), errno));
  const auto cleaned = remove_tree(above->get(), *name);
  return done ? cleaned : done;
}

} // namespace

core::result<core::file_map> export_files(const core::file_map& files,
                                          const std::vector<std::string>& globs, blob_store& store,
                                          const std::filesystem::path& destination) {
  if (auto good = core::check_file_map(files); !good)
    return core::fail(good.error());
  core::file_map wanted;
  for (const auto& [path, entry] : files)
    if (is_wanted(globs, path))
      wanted.emplace(path, entry);
  const auto to = look_at(destination);
  if (!to)
    return core::fail(to.error());
  if (auto sound = store.check_seals(wanted); !sound)
    return core::fail(sound.error());
  if (auto done = write_to(*to, wanted, store); !done)
    return core::fail(done.error());
  return wanted;
}

} // namespace maze::io
