#pragma once

#include "maze/sandbox/init_protocol.hpp"
#include "maze/sandbox/launcher.hpp"
#include "maze/sandbox/policy.hpp"

#include <cstdint>
#include <string>

namespace maze::sandbox {

/// The body of the request's packet; of a sealed child with what it is shown. `invalid_argument` with origin
/// `launch:request` for a text with a NUL inside, an empty argv, an overlay without lower layers or a sandbox that
/// `core::check_sandbox` refuses.
core::result<std::string> encode_request(launch_id id, const launch_request& request,
                                         const sealed_view& shown = {});

/// The control groups of `can`, as bits of `protocol::group_use`.
std::uint8_t groups_of(const capabilities& can);

/// Why a set-up step failed, as the node's word for it; its origin is `launch:<stage>`.
core::error explain(protocol::stage failed, int error_number, const std::string& subject);

/// What maze-init told about a child's end, as the node's word for it; without the output.
exit_report report_of(const protocol::ended& told, core::sandbox_level level);

/// The report of a child that maze-init never got or took with it into death.
exit_report failed_report(exit_cause cause, core::error why, core::sandbox_level level);

} // namespace maze::sandbox
