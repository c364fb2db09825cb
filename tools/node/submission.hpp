#pragma once

#include "maze/actors/library_catalogue.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/core/sandbox_policy.hpp"
#include "maze/core/submission_form.hpp"
#include "maze/core/workflow.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"
#include "maze/io/snapshot.hpp"

#include <filesystem>
#include <memory>

namespace maze::node {

/// Reads the secrets that `work` names from this process's environment and hides them from `log`, if
/// there is one. Fails with `input_missing` naming the entry and the variable.
core::result<core::context_map> read_context(const core::workflow& work, io::log* log);

/// A checked workflow as it goes to the master: its graph, its context, and what `io::take_sources` takes
/// into `blobs` here and now, as `how` says. Relative paths start at `folder`. Functions of task libraries are
/// judged by `libraries`, where it is given.
core::result<std::shared_ptr<actors::submission>>
prepare(core::workflow work, const std::filesystem::path& folder, io::blob_store& blobs,
        io::log& log, const io::snapshot_options& how = {},
        actors::library_catalogue* libraries = nullptr);

/// The same for a cluster: what travels to it. The blobs of files and libraries are in `blobs` afterwards.
core::result<core::submission_form>
describe(core::workflow work, const std::filesystem::path& folder, io::blob_store& blobs);

/// Refuses what no attempt could get: a system call that does not exist (`invalid_argument`), naming the task.
core::result<void> check_enforceable(const core::workflow& work);

/// The same for what only this machine could give its tasks: `unsupported_operation` where one wants a container and there is no engine.
core::result<void> check_containers(const core::workflow& work);

/// What a command line says, for a workflow in `folder`: an archive that travels, whose path counts from the current folder, counts from that one then.
core::sandbox_options seen_from(core::sandbox_options options, const std::filesystem::path& folder);

/// Gives each task the parts of its sandbox that it does not say, and holds it to the bounds. Fails naming the task, with
/// `invalid_argument` where the parts contradict what it says, with `permission_denied` where it asks for more than the bounds.
core::result<void> settle_sandboxes(core::workflow& work, const core::sandbox_policy& policy);

/// What a refused submission of the workflow `file` is told with: if it is about one task or library, where that is.
core::error located(core::error what, const std::filesystem::path& file);

} // namespace maze::node
