#include "maze/actors/function_child.hpp"

#include "maze/actors/attempt_outcome.hpp"
#include "maze/actors/code_trust.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/function_call.hpp"
#include "maze/core/function_libraries.hpp"
#include "maze/io/memory_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>

namespace maze::actors {

namespace {

using shared_fd = std::shared_ptr<const io::unique_fd>;

shared_fd share(io::unique_fd fd) { return std::make_shared<const io::unique_fd>(std::move(fd)); }

/// The first descriptor of a library in a host: behind those of calls and replies.
constexpr int library_fd = 5;

std::string_view name_of(core::python_source source) {
  switch (source) {
  case core::python_source::file:
    return "file";
  case core::python_source::code:
    return "code";
  case core::python_source::pickle:
    return "pickle";
  }
  return "unknown";
}

core::result<shared_fd> open_library(const std::string& name, const core::library_refs& libraries,
                                     const io::blob_store& blobs) {
  const auto found = libraries.find(name);
  if (found == libraries.end())
    return core::fail(core::errc::untrusted_function,
                      fmt::format("the run has no library '{}'", name), "resolve");
  auto content = blobs.open_blob(found->second.hash);
  if (!content)
    return core::fail(core::errc::object_lost,
                      fmt::format("the content of library '{}' is not on this node", name),
                      "resolve");
  return share(std::move(*content));
}

/// The command line up to the mode, for a host that finds `libraries` behind its own two descriptors.
std::vector<std::string> command_of(const host_programs& programs, std::size_t libraries) {
  std::vector<std::string> out;
  if (libraries == 0)
    return {programs.python.string(), "-I", "-B", programs.runner.string()};
  out.push_back(programs.libraries.string());
  for (std::size_t i = 0; i < libraries; ++i)
    out.insert(out.end(),
               {"--library", fmt::format("/proc/self/fd/{}", library_fd + static_cast<int>(i))});
  return out;
}

core::error no_result(std::string why) {
  return {.code = core::errc::worker_crash, .message = std::move(why), .origin = "execute"};
}

/// Whether a function can fail this way, or the copy of a child in which it ran. All else that befalls an attempt its node knows better, and decides by it
/// whether the task is tried again.
bool may_be_told(core::errc code) noexcept {
  using core::errc;
  constexpr std::array codes{errc::user_exception,     errc::exit_nonzero,
                             errc::signalled,          errc::oom_killed,
                             errc::worker_crash,       errc::invalid_payload,
                             errc::permission_denied,  errc::unsupported_operation,
                             errc::untrusted_function, errc::resource_exhausted,
                             errc::invalid_argument,   errc::not_found,
                             errc::io_error,           errc::malformed,
                             errc::limit_exceeded};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// The error in `payload`, or nothing where a child cannot have found it.
std::optional<core::error> told_error(std::string_view payload) {
  auto told = core::from_binary<core::error>(payload, "error");
  if (!told || !may_be_told(told->code))
    return std::nullopt;
  return std::move(*told);
}

/// The one reply in `message`, or why there is none.
core::result<std::string> reply_in(const std::string& message) {
  const auto view = core::call_message_view::of(message);
  if (!view || view->header().kind != core::call_kind::replies || view->size() != 1)
    return core::fail(refusal_of(message));
  const core::call_entry entry = view->entry(0);
  if (entry.word == static_cast<std::uint32_t>(core::call_outcome::returned))
    return std::string(view->payloads());
  auto failed = entry.word == static_cast<std::uint32_t>(core::call_outcome::failed)
                    ? told_error(view->payloads())
                    : std::nullopt;
  return core::fail(failed ? std::move(*failed) : refusal_of({}));
}

} // namespace

core::error refusal_of(std::string_view message) {
  const auto view = core::call_message_view::of(message);
  if (view && view->header().kind == core::call_kind::refused && view->size() == 1)
    if (auto told = told_error(view->payloads()))
      return std::move(*told);
  return no_result("what the child gave as its result is none: the function wrote to a descriptor "
                   "that it had not opened");
}

core::result<void> check_replies(const core::call_message_view& replies) {
  bool sound = true;
  replies.for_each([&sound](const core::call_entry& each, std::string_view payload) {
    if (each.word != static_cast<std::uint32_t>(core::call_outcome::returned))
      sound = sound && each.word == static_cast<std::uint32_t>(core::call_outcome::failed)
              && told_error(payload).has_value();
  });
  if (!sound)
    return core::fail(refusal_of({}));
  return {};
}

core::result<std::string> define_function(const core::task_action& action, const std::string& name,
                                          const std::vector<std::string>& libraries,
                                          const core::sandbox_spec& sandbox) {
  core::dict out;
  if (const auto* function = std::get_if<core::function_action>(&action)) {
    const auto at = std::find(libraries.begin(), libraries.end(), function->library);
    out.emplace("library", std::int64_t{at - libraries.begin()});
    out.emplace("function", function->function);
  } else if (const auto* python = std::get_if<core::python_action>(&action)) {
    out.emplace("source", name_of(python->source));
    out.emplace("text", python->text);
    out.emplace("entry", python->entry);
    out.emplace("name", name);
    if (sandbox.imports)
      out.emplace("imports", fmt::format("{}", fmt::join(*sandbox.imports, ",")));
  }
  return core::encode(std::move(out));
}

core::result<single_call> start_single_call(const core::task_spec& spec,
                                            const core::resolved_call& call,
                                            const core::library_refs& libraries,
                                            io::blob_store& blobs, const host_programs& programs,
                                            const io::trusted_code* trusted) {
  if (auto fine = check_trusted(spec, libraries, blobs, trusted); !fine)
    return core::fail(fine.error());
  auto arguments = core::encode_arguments(spec, call);
  if (!arguments)
    return core::fail(arguments.error());
  single_call out;
  std::vector<std::string> loaded;
  std::vector<shared_fd> contents;
  if (const auto* function = std::get_if<core::function_action>(&spec.action)) {
    auto content = open_library(function->library, libraries, blobs);
    if (!content)
      return core::fail(content.error());
    loaded.push_back(function->library);
    contents.push_back(std::move(*content));
    out.start.argv = {programs.libraries.string(), "--once", "--library",
                      fmt::format("/proc/self/fd/{}", library_fd)};
  } else {
    out.start.argv = {programs.python.string(), "-I", "-B", programs.runner.string(), "--once"};
  }
  out.start.argv.insert(out.start.argv.end(),
                        {"--result-max", std::to_string(function_result_max)});
  auto definition = define_function(spec.action, spec.name, loaded, spec.sandbox);
  if (!definition)
    return core::fail(definition.error());
  auto request = io::make_sealed_file(
      "maze-call", core::call_message(core::call_kind::define, 0, 0, *definition)
                       + core::call_message(core::call_kind::calls, 0, 0, *arguments));
  auto reply = request ? io::make_memory_file("maze-reply") : std::move(request);
  if (!reply)
    return core::fail(reply.error());
  out.reply = share(std::move(*reply));
  out.start.inherited = {share(std::move(*request)), out.reply};
  out.start.inherited.insert(out.start.inherited.end(), contents.begin(), contents.end());
  return out;
}

core::result<host_start> start_warm_host(const core::call_plan& plan,
                                         const core::library_refs& libraries, io::blob_store& blobs,
                                         const host_programs& programs,
                                         const io::trusted_code* trusted, io::unique_fd socket,
                                         std::shared_ptr<const io::unique_fd> progress) {
  const std::vector<std::string> loaded = core::libraries_of(plan);
  if (loaded.size() + 2 > sandbox::inherited_max)
    return core::fail(
        core::errc::limit_exceeded,
        fmt::format("the functions come from {} libraries, one child loads {} at most",
                    loaded.size(), sandbox::inherited_max - 2),
        "resolve");
  for (const core::call_function& each : plan.functions)
    if (auto fine = check_trusted(each.action, libraries, blobs, trusted); !fine)
      return core::fail(fine.error());
  host_start out;
  out.argv = command_of(programs, loaded.size());
  if (plan.child == core::child_use::forked)
    out.argv.emplace_back("--fork");
  if (plan.child == core::child_use::forked && plan.sandbox.memory)
    out.argv.emplace_back("--memory-limited");
  out.argv.insert(out.argv.end(), {"--result-max", std::to_string(function_result_max)});
  out.inherited = {share(std::move(socket)), std::move(progress)};
  for (const std::string& name : loaded) {
    auto content = open_library(name, libraries, blobs);
    if (!content)
      return core::fail(content.error());
    out.inherited.push_back(std::move(*content));
  }
  return out;
}

core::result<std::string> define_functions(const core::call_plan& plan) {
  const std::vector<std::string> loaded = core::libraries_of(plan);
  core::call_message_writer writer;
  for (std::size_t i = 0; i < plan.functions.size(); ++i) {
    auto definition = define_function(plan.functions[i].action, plan.functions[i].shown_name(),
                                      loaded, plan.sandbox);
    if (!definition)
      return core::fail(definition.error());
    writer.add(0, static_cast<std::uint32_t>(i), *definition);
  }
  std::string out;
  writer.finish(core::call_kind::define, out);
  return out;
}

core::result<std::string> function_outcome(const core::task_spec& spec,
                                           const sandbox::exit_report& report,
                                           const io::unique_fd& reply) {
  if (auto ended = check_end(spec, report, "function"); !ended) {
    // No function gets that from within: somebody killed the process that called it.
    if (report.signal == SIGKILL && ended.error().code == core::errc::signalled)
      ended.error().code = core::errc::worker_crash;
    return core::fail(ended.error());
  }
  auto message = io::read_all(reply.get(), function_result_max + (1 << 20));
  if (!message)
    return core::fail(no_result(fmt::format(
        "what the function left as its result cannot be read: {}", message.error().message)));
  if (message->empty())
    return core::fail(ended_badly(core::errc::exit_nonzero,
                                  core::instead_of_returning(report.exit_code), report));
  auto returned = reply_in(*message);
  if (!returned) {
    // It ended well: what it left as its result, its code did, and would again.
    if (returned.error().code == core::errc::worker_crash)
      returned.error().code = core::errc::invalid_payload;
    // An exception says by itself what it is about, but not that.
    if (report.refused_processes > 0)
      returned.error().message += fence_hint(report);
    return core::fail(returned.error());
  }
  return core::outcome_of_function(spec, *returned);
}

} // namespace maze::actors
