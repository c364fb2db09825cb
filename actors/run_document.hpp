#pragma once

#include "maze/actors/protocol/registry_actor.hpp"
#include "maze/core/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace maze::actors {

/// The name under which a run's document is asked for on the bulk plane.
std::string document_name(core::run_id run);
/// The inverse; nothing for any other name.
std::optional<core::run_id> run_of_document(std::string_view name);

/// What a node must know of a run, as bytes. They hold the run's secrets: memory only. Fails with what
/// `core::encode_submission` refuses.
core::result<std::string> write_run_document(const run_bundle& bundle);
/// The inverse, from bytes that nobody vouches for.
core::result<run_bundle_ptr> read_run_document(core::run_id run, std::string_view document);

} // namespace maze::actors
