#pragma once

#include "maze/core/result.hpp"
#include "maze/core/workflow.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace maze::gateway {

/// A folder that nobody else may enter and that goes with this object.
class temporary_folder {
public:
  static core::result<temporary_folder> make();
  temporary_folder(temporary_folder&& other) noexcept;
  temporary_folder& operator=(temporary_folder&&) = delete;
  ~temporary_folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  explicit temporary_folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Whether all that a workflow names lies in its folder, and nothing in this process's environment: what may be handed in
/// by somebody who is not this process's user. Fails with `permission_denied` naming the place.
core::result<void> check_foreign(const core::workflow& work);

/// Whether a workflow that came as a text, with no folder around it, names nothing that would have to lie there. Fails with
/// `input_missing` naming the place.
core::result<void> check_alone(const core::workflow& work);

/// Whether these bytes begin as a tar archive does, plain or compressed by gzip or zstd.
bool is_archive(std::string_view bytes) noexcept;

/// Unpacks a tar archive (plain, gzip or zstd) into a folder, as `io::unpack_archive` does.
core::result<temporary_folder> unpack_project(std::string_view archive);

/// The workflow file of a project: `path` in it, else the only `.yaml`, `.yml` or `.json` file at its top. Fails with `not_found`, or with
/// `invalid_argument` where there are several, or where `path` leaves the folder.
core::result<std::filesystem::path> find_workflow(const std::filesystem::path& folder,
                                                  const std::string& path);

} // namespace maze::gateway
