#pragma once

#include "maze/actors/run_files.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/sandbox/launcher.hpp"

#include <optional>

namespace maze::actors {

/// Where the archive lies that `sandbox` names and the run brought here; nothing where it names none that a run brings.
std::optional<sandbox::image_archive> archive_of(const core::sandbox_spec& sandbox,
                                                 const run_files& files);

} // namespace maze::actors
