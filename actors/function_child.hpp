#pragma once

#include "maze/actors/host_programs.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/library.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/trusted_code.hpp"
#include "maze/sandbox/launcher.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace maze::actors {

/// The most bytes that a function may return, encoded: a larger result fails with `limit_exceeded` in the
/// child. More than that belongs into a file.
constexpr std::uint64_t function_result_max = std::uint64_t{32} << 20;

/// A child that calls functions, as far as `sandbox::launch_request` wants to know of it.
struct host_start {
  std::vector<std::string> argv;
  std::vector<std::shared_ptr<const io::unique_fd>> inherited;
};

/// A child that calls one function and ends.
struct single_call {
  host_start start;
  /// Where it leaves what came of the call.
  std::shared_ptr<const io::unique_fd> reply;
};

/// What to start for a host that calls any function of `plan`, again and again. It talks on the stream `socket`, and counts the
/// calls that it began in `progress`. Fails as `start_single_call`.
core::result<host_start> start_warm_host(const core::call_plan& plan,
                                         const core::library_refs& libraries, io::blob_store& blobs,
                                         const host_programs& programs,
                                         const io::trusted_code* trusted, io::unique_fd socket,
                                         std::shared_ptr<const io::unique_fd> progress);
/// The `define` message that such a host is sent first.
core::result<std::string> define_functions(const core::call_plan& plan);

/// How a host learns of a function: the payload of its `define` message. `libraries` are those that it loaded, in
/// order.
core::result<std::string> define_function(const core::task_action& action, const std::string& name,
                                          const std::vector<std::string>& libraries,
                                          const core::sandbox_spec& sandbox);

/// What to start for one call of a task's function. Fails with `untrusted_function` where the run has no library
/// of that name, or where `trusted` is given and lacks what would be loaded, with `object_lost` where this node lacks it, and as `core::encode_arguments`.
core::result<single_call> start_single_call(const core::task_spec& spec,
                                            const core::resolved_call& call,
                                            const core::library_refs& libraries,
                                            io::blob_store& blobs, const host_programs& programs,
                                            const io::trusted_code* trusted);

/// What the end of such a child means for its task: the encoded output dictionary, or the error that the attempt
/// ends with.
core::result<std::string> function_outcome(const core::task_spec& spec,
                                           const sandbox::exit_report& report,
                                           const io::unique_fd& reply);

/// Whether a `replies` message says what a child can say: fails with `worker_crash` for outcomes that there are not and
/// errors that only a node can know of.
core::result<void> check_replies(const core::call_message_view& replies);

/// What a host says instead of what it should: the error of its `refused` message, or `worker_crash` for
/// bytes that are no message. `message` is whole.
core::error refusal_of(std::string_view message);

} // namespace maze::actors
