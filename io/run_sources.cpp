#include "maze/io/run_sources.hpp"

#include "maze/core/submission_form.hpp"
#include "maze/io/library_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>
#include <variant>

namespace maze::io {

namespace {

constexpr std::string_view sources_phase = "submit";

/// @param what  names the file for people
core::result<library_file> open_source(const std::string& what, const std::filesystem::path& path,
                                       std::uint64_t size_max) {
  const auto refuse = [&](core::errc code, std::string_view why) {
    return core::fail(code, fmt::format("{} ({}) {}", what, path.native(), why),
                      std::string(sources_phase));
  };
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR))
    return refuse(core::errc::not_found, "is not there");
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0)
    return core::fail(errno_error(fmt::format("open {}, {}", path.native(), what), errno));
  if (!S_ISREG(status.st_mode))
    return refuse(core::errc::invalid_argument, "is no file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0)
    return refuse(core::errc::invalid_argument, "is empty");
  if (size > size_max)
    return refuse(core::errc::limit_exceeded,
                  fmt::format("has {} bytes, at most {} are taken", size, size_max));
  return library_file{std::move(fd), size};
}

core::result<core::library_refs> take_libraries(const core::workflow& work,
                                                const std::filesystem::path& folder,
                                                blob_store& store, const std::stop_token& stop) {
  core::library_refs out;
  for (const auto& [name, path] : work.libraries) {
    auto library = open_library(name, folder / path);
    if (!library)
      return core::fail(std::move(library.error()));
    auto blob = store.put_copy(library->fd.get(), stop);
    if (!blob)
      return core::fail(blob.error().code,
                        fmt::format("libraries.{}: {}", name, blob.error().message),
                        std::string(sources_phase));
    out.emplace(name, core::library_ref{blob->hash, blob->size});
  }
  return out;
}

core::result<core::archive_refs> take_archives(const core::workflow& work,
                                               const std::filesystem::path& folder,
                                               blob_store& store, const std::stop_token& stop) {
  core::archive_refs out;
  for (const core::task_spec& task : work.tasks) {
    const std::string* const name = core::carried_archive(task.sandbox);
    if (name == nullptr || out.contains(*name))
      continue;
    auto archive = open_archive(*name, folder / *name);
    if (!archive)
      return core::fail(std::move(archive.error()));
    auto blob = store.put_copy(archive->fd.get(), stop);
    if (!blob)
      return core::fail(blob.error().code,
                        fmt::format("the archive {}: {}", *name, blob.error().message),
                        std::string(sources_phase));
    out.emplace(*name, core::blob_id{blob->hash, blob->size});
  }
  return out;
}

/// The Python files that tasks name and `files` does not hold, each to be taken to its own place.
core::result<std::vector<core::file_source>> missing_scripts(const core::workflow& work,
                                                             const std::filesystem::path& folder,
                                                             const core::file_map& files) {
  std::vector<core::file_source> out;
  for (const core::task_spec& task : work.tasks) {
    const auto* python = std::get_if<core::python_action>(&task.action);
    if (python == nullptr || python->source != core::python_source::file
        || files.contains(python->text))
      continue;
    const core::file_source wanted{.from = python->text, .match = {}, .to = python->text};
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(folder / wanted.from, unknown))
      return core::fail(
          core::errc::not_found,
          fmt::format("tasks.{}.python: there is no file '{}' (looked for {}): write a path from "
                      "the folder of the workflow file, or one to which `files` brings something",
                      task.name, wanted.from, (folder / wanted.from).native()),
          std::string(sources_phase));
    out.push_back(wanted);
  }
  return out;
}

core::result<core::file_map> take_files(const core::workflow& work,
                                        const std::filesystem::path& folder, blob_store& store,
                                        const snapshot_options& how) {
  auto taken = take_snapshot(work.files, folder, store, how);
  if (!taken)
    return core::fail(std::move(taken.error()));
  auto missing = missing_scripts(work, folder, taken->files);
  if (!missing)
    return core::fail(std::move(missing.error()));
  if (missing->empty())
    return std::move(taken->files);
  auto scripts = take_snapshot(*missing, folder, store, how);
  if (!scripts)
    return core::fail(std::move(scripts.error()));
  taken->files.merge(scripts->files);
  if (auto good = core::check_file_map(taken->files); !good)
    return core::fail(core::errc::file_conflict,
                      fmt::format("the Python files of tasks: {}", good.error().message),
                      std::string(sources_phase));
  return std::move(taken->files);
}

} // namespace

core::result<library_file> open_library(const std::string& name,
                                        const std::filesystem::path& path) {
  return open_source(fmt::format("the library {}", name), path, core::library_size_max);
}

core::result<library_file> open_archive(const std::string& name,
                                        const std::filesystem::path& path) {
  return open_source(fmt::format("the archive {}", name), path, core::archive_size_max);
}

core::result<std::vector<std::string>> stock_libraries(const std::filesystem::path& folder,
                                                       blob_store& store) {
  auto found = list_libraries(folder);
  if (!found)
    return core::fail(found.error());
  for (const auto& [name, file] : found->files) {
    auto library = open_library(name, folder / file);
    if (!library)
      return core::fail(library.error());
    auto blob = store.put_copy(library->fd.get());
    if (!blob)
      return core::fail(blob.error());
    store.keep(blob->hash);
  }
  return std::move(found->warnings);
}

core::result<run_sources> take_sources(const core::workflow& work,
                                       const std::filesystem::path& folder, blob_store& store,
                                       const snapshot_options& how) {
  auto files = take_files(work, folder, store, how);
  if (!files)
    return core::fail(std::move(files.error()));
  if (work.rules.sha256)
    if (auto sealed = store.seal(*files, how.stop); !sealed)
      return core::fail(std::move(sealed.error()));
  auto libraries = take_libraries(work, folder, store, how.stop);
  if (!libraries)
    return core::fail(std::move(libraries.error()));
  auto archives = take_archives(work, folder, store, how.stop);
  if (!archives)
    return core::fail(std::move(archives.error()));
  return run_sources{std::move(*files), std::move(*libraries), std::move(*archives)};
}

} // namespace maze::io
