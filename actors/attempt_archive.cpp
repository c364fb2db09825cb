#include "maze/actors/attempt_archive.hpp"

#include <fmt/format.h>

namespace maze::actors {

std::optional<sandbox::image_archive> archive_of(const core::sandbox_spec& sandbox,
                                                 const run_files& files) {
  const std::string* const name = core::carried_archive(sandbox);
  if (name == nullptr)
    return std::nullopt;
  const core::archive_refs& all = files.bundle().archives;
  const auto found = all.find(*name);
  if (found == all.end())
    return std::nullopt;
  const auto& [hash, size] = found->second;
  return sandbox::image_archive{.path = files.blobs().path_of(hash),
                                .version = fmt::format("{}-{}", core::to_string(hash), size)};
}

} // namespace maze::actors
