#include "gateway/foreign_workflow.hpp"

#include "maze/core/manifest.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/io/archive.hpp"
#include "maze/io/export.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/memory_file.hpp"
#include "node/passing_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <utility>
#include <vector>

namespace maze::gateway {

namespace {

namespace fs = std::filesystem;

/// What an archive may come to once it is unpacked.
constexpr io::archive_limits project_limits{.entries_max = 100'000,
                                            .names_max = std::uint64_t{16} << 20,
                                            .bytes_max = std::uint64_t{1} << 30};

bool stays_inside(const std::string& path) {
  const fs::path plain = fs::path(path).lexically_normal();
  return plain.is_relative() && (plain.empty() || *plain.begin() != "..");
}

core::result<void> check_inside(const std::string& path, const std::string& where) {
  if (stays_inside(path))
    return {};
  return core::fail(core::errc::permission_denied,
                    fmt::format("{}: '{}' lies outside the workflow's folder: send an archive that "
                                "holds it, or hand the workflow in with 'maze-node submit'",
                                where, path),
                    "gateway");
}

} // namespace

core::result<temporary_folder> temporary_folder::make() {
  std::error_code failed;
  auto folder = (fs::temp_directory_path(failed) / "maze-project-XXXXXX").native();
  if (failed || ::mkdtemp(folder.data()) == nullptr)
    return core::fail(io::errno_error("make a temporary folder", failed ? failed.value() : errno));
  return temporary_folder(folder);
}

temporary_folder::temporary_folder(temporary_folder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

temporary_folder::~temporary_folder() {
  if (!path_.empty())
    static_cast<void>(io::remove_tree(AT_FDCWD, path_));
}

core::result<void> check_foreign(const core::workflow& work) {
  for (const auto& [name, source] : work.context)
    if (!source.secret_variable.empty())
      return core::fail(
          core::errc::permission_denied,
          fmt::format("context.{}: a secret comes from the environment of who hands the workflow "
                      "in, which a gateway does not give away: use 'maze-node submit'",
                      name),
          "gateway");
  for (std::size_t i = 0; i < work.files.size(); ++i)
    if (auto fine = check_inside(work.files[i].from, fmt::format("files[{}]", i)); !fine)
      return fine;
  if (auto fine = check_inside(work.library_folder, "libraries"); !fine)
    return fine;
  for (const auto& [name, path] : work.libraries)
    if (auto fine = check_inside(path, fmt::format("libraries.{}", name)); !fine)
      return fine;
  for (const core::task_spec& task : work.tasks)
    if (const std::string* const archive = core::carried_archive(task.sandbox))
      if (auto fine = check_inside(*archive, fmt::format("tasks.{}.sandbox.image", task.name));
          !fine)
        return fine;
  return {};
}

core::result<void> check_alone(const core::workflow& work) {
  const auto check = [](const std::string& path, const std::string& where) -> core::result<void> {
    if (fs::path(path).is_absolute())
      return {};
    return core::fail(
        core::errc::input_missing,
        fmt::format("{}: '{}' would lie beside the workflow, which came alone: send a "
                    "tar archive of its folder instead",
                    where, path),
        "gateway");
  };
  for (std::size_t i = 0; i < work.files.size(); ++i)
    if (auto fine = check(work.files[i].from, fmt::format("files[{}]", i)); !fine)
      return fine;
  if (!work.library_folder.empty())
    if (auto fine = check(work.library_folder, "libraries"); !fine)
      return fine;
  for (const auto& [name, path] : work.libraries)
    if (auto fine = check(path, fmt::format("libraries.{}", name)); !fine)
      return fine;
  for (const core::task_spec& task : work.tasks) {
    if (const std::string* const archive = core::carried_archive(task.sandbox))
      if (auto fine = check(*archive, fmt::format("tasks.{}.sandbox.image", task.name)); !fine)
        return fine;
    const auto* const python = std::get_if<core::python_action>(&task.action);
    if (python != nullptr && python->source == core::python_source::file && work.files.empty())
      if (auto fine = check(python->text, fmt::format("tasks.{}.python", task.name)); !fine)
        return fine;
  }
  return {};
}

bool is_archive(std::string_view bytes) noexcept {
  constexpr std::size_t magic_at = 257;
  return bytes.starts_with("\x1f\x8b") || bytes.starts_with("\x28\xb5\x2f\xfd")
         || (bytes.size() > magic_at + 5 && bytes.substr(magic_at, 5) == "ustar");
}

core::result<temporary_folder> unpack_project(std::string_view archive) {
  auto file = io::make_sealed_file("maze-project", archive);
  if (!file)
    return core::fail(file.error());
  auto store = node::passing_store::open();
  if (!store)
    return core::fail(store.error());
  const auto files = io::unpack_archive(file->get(), store->blobs(), project_limits);
  if (!files)
    return core::fail(files.error());
  auto folder = temporary_folder::make();
  if (!folder)
    return core::fail(folder.error());
  if (auto written = io::export_files(*files, {}, store->blobs(), folder->path()); !written)
    return core::fail(written.error());
  return folder;
}

core::result<fs::path> find_workflow(const fs::path& folder, const std::string& path) {
  if (!path.empty()) {
    if (!stays_inside(path))
      return core::fail(core::errc::invalid_argument,
                        fmt::format("'{}' lies outside the archive", path), "gateway");
    std::error_code unknown;
    if (!fs::is_regular_file(folder / path, unknown))
      return core::fail(core::errc::not_found, fmt::format("the archive holds no file '{}'", path),
                        "gateway");
    return folder / path;
  }
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const auto kind = entry.path().extension();
    std::error_code unknown;
    if (entry.is_regular_file(unknown) && (kind == ".yaml" || kind == ".yml" || kind == ".json"))
      found.push_back(entry.path());
  }
  if (failed)
    return core::fail(io::errno_error("read " + folder.string(), failed.value()));
  if (found.size() == 1)
    return found.front();
  std::sort(found.begin(), found.end());
  std::string names;
  for (const fs::path& one : found)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", one.filename().string());
  return core::fail(found.empty() ? core::errc::not_found : core::errc::invalid_argument,
                    found.empty() ? "there is no .yaml, .yml or .json file at the top of the "
                                    "archive: name the workflow with 'path'"
                                  : fmt::format("the archive holds several files that may be the "
                                                "workflow ({}): name it with 'path'",
                                                names),
                    "gateway");
}

} // namespace maze::gateway
