#pragma once

#include "maze/core/library.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/trusted_code.hpp"

#include <string>

namespace maze::actors {

/// Whether the library `name` of a run may be loaded where `trusted` is all that may; everything may where that is null. Fails with
/// `untrusted_function` naming the library and its SHA-256, and with `object_lost` where the store lacks it. Reads a library
/// once.
core::result<void> check_trusted(const std::string& name, const core::library_ref& library,
                                 io::blob_store& blobs, const io::trusted_code* trusted);

/// Also fails where the task's own environment would have the loader bring code that nobody looked at.
core::result<void> check_trusted(const core::task_spec& task, const core::library_refs& libraries,
                                 io::blob_store& blobs, const io::trusted_code* trusted);

/// The same of what `action` names: its library, if it is one of `libraries`, or its pickle. Python source is no artefact that is loaded
/// unread, and passes.
core::result<void> check_trusted(const core::task_action& action,
                                 const core::library_refs& libraries, io::blob_store& blobs,
                                 const io::trusted_code* trusted);

} // namespace maze::actors
