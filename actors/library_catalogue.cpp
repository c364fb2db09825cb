#include "maze/actors/library_catalogue.hpp"

#include "maze/actors/attempt_outcome.hpp"
#include "maze/actors/code_trust.hpp"
#include "maze/actors/function_child.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/memory_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <set>
#include <string_view>

namespace maze::actors {

namespace {

/// A description of thousands of functions takes less.
constexpr std::uint64_t description_max = std::uint64_t{16} << 20;
/// Libraries that are remembered; they are read again when there are more.
constexpr std::size_t known_max = 1024;
/// Children that read libraries at the same time for one run.
constexpr std::size_t read_at_once = 8;
/// What a child that reads one may have: it runs beside the master and belongs to nobody's task.
constexpr core::byte_count memory_max{std::uint64_t{4} << 30};
/// Where the child finds the library.
constexpr std::string_view library_path = "/proc/self/fd/5";

/// `text` of a child, in which the library is called by its name.
std::string with_name(std::string text, const std::string& name) {
  for (auto at = text.find(library_path); at != std::string::npos;
       at = text.find(library_path, at + name.size()))
    text.replace(at, library_path.size(), name);
  return text;
}

core::result<core::library_description> description_in(const std::string& message) {
  const auto view = core::call_message_view::of(message);
  if (!view || view->header().kind != core::call_kind::ready || view->size() != 1)
    return core::fail(refusal_of(message));
  auto set = core::decode_library_set(view->payloads());
  if (!set)
    return core::fail(set.error());
  if (set->libraries.size() != 1)
    return core::fail(core::errc::malformed, "it describes another number of libraries than one");
  return std::move(set->libraries.front());
}

std::vector<std::string_view> names_of(const core::library_description& library) {
  std::vector<std::string_view> out;
  for (const core::function_signature& each : library.functions)
    out.emplace_back(each.name);
  return out;
}

} // namespace

core::result<library_catalogue::description>
library_catalogue::describe(const std::string& name, const core::digest& hash, code_reading how) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(hash); found != known_.end())
      return found->second;
  }
  auto made = read(name, hash, how);
  if (made) {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= known_max)
      known_.clear();
    known_.insert_or_assign(hash, *made);
  }
  return made;
}

bool library_catalogue::is_known(const core::digest& hash) {
  const std::lock_guard lock(mutex_);
  return known_.find(hash) != known_.end();
}

core::result<core::library_descriptions>
library_catalogue::describe_all(const core::library_refs& libraries, code_reading how) {
  for (const auto& [name, library] : libraries)
    if (auto fine = check_trusted(name, library, *blobs_, options_.trusted.get()); !fine)
      return core::fail(fine.error());
  // Most are known, or read in milliseconds. Those that take their whole time do so side by side.
  core::library_descriptions out;
  std::vector<std::pair<std::string, std::future<core::result<description>>>> asked;
  const auto collect = [&]() -> core::result<void> {
    core::result<void> all;
    for (auto& [name, answer] : asked) {
      auto described = answer.get();
      if (described)
        out.emplace(name, **described);
      else if (all)
        all = core::fail(described.error());
    }
    asked.clear();
    return all;
  };
  // Children that see each other could answer for each other.
  const std::size_t at_once = launcher_->can().pid_namespaces ? read_at_once : 1;
  std::set<core::digest> begun;
  for (const auto& [name, library] : libraries) {
    // Where no thread is left, one is read when its turn comes.
    const bool beside = begun.insert(library.hash).second && !is_known(library.hash);
    asked.emplace_back(name, std::async(beside ? std::launch::async | std::launch::deferred
                                               : std::launch::deferred,
                                        [this, &name = name, hash = library.hash, how] {
                                          return describe(name, hash, how);
                                        }));
    if (asked.size() == at_once)
      if (auto fine = collect(); !fine)
        return core::fail(fine.error());
  }
  if (auto fine = collect(); !fine)
    return core::fail(fine.error());
  return out;
}

core::result<void> library_catalogue::settle(std::span<core::task_spec> tasks,
                                             const core::library_refs& libraries,
                                             const core::context_map& context, code_reading how) {
  for (const core::task_spec& task : tasks)
    if (auto fine = check_trusted(task, libraries, *blobs_, options_.trusted.get()); !fine) {
      fine.error().message = fmt::format("task '{}': {}", task.name, fine.error().message);
      fine.error().origin = "submit:" + task.name;
      return fine;
    }
  auto described = describe_all(libraries, how);
  if (!described)
    return core::fail(described.error());
  if (auto sound = core::check_functions(tasks, *described, context); !sound)
    return sound;
  core::complete_functions(tasks, *described);
  return {};
}

core::result<void> library_catalogue::check(const core::call_plan& plan,
                                            const core::library_refs& libraries, code_reading how) {
  for (const core::call_function& each : plan.functions)
    if (auto fine = check_trusted(each.action, libraries, *blobs_, options_.trusted.get()); !fine)
      return fine;
  auto described = describe_all(libraries, how);
  if (!described)
    return core::fail(described.error());
  for (const core::call_function& each : plan.functions)
    if (const auto* own = std::get_if<core::function_action>(&each.action)) {
      const auto library = described->find(own->library);
      if (library == described->end())
        return core::fail(
            core::errc::untrusted_function,
            fmt::format("calls of '{}' name the library '{}', which the run does not have",
                        each.shown_name(), own->library),
            "submit");
      if (library->second.find(own->function) == nullptr)
        return core::fail(core::errc::untrusted_function,
                          fmt::format("calls of '{}': library '{}' has no function '{}'; {}",
                                      each.shown_name(), own->library, own->function,
                                      core::did_you_mean(own->function, names_of(library->second),
                                                         "its functions are")),
                          "submit");
    }
  return {};
}

core::result<library_catalogue::description>
library_catalogue::read(const std::string& name, const core::digest& hash, code_reading how) const {
  auto content = blobs_->open_blob(hash);
  if (!content)
    return core::fail(
        core::errc::object_lost,
        fmt::format("the content of library '{}' has not arrived: send its blob first", name),
        "library");
  sandbox::launch_request request;
  request.argv = {options_.programs.libraries.string(), "--describe", "--library",
                  std::string(library_path)};
  request.working_directory = "/";
  request.inherited = {std::make_shared<const io::unique_fd>(std::move(*content))};
  request.user = options_.user;
  request.sandbox.level =
      std::max(request.sandbox.level,
               how == code_reading::sealed ? core::sandbox_level::seccomp : options_.level_min);
  request.sandbox.memory = memory_max;
  auto described = ask_child(std::move(request), name);
  if (!described)
    return core::fail(described.error());
  if (options_.log)
    for (const std::string& each : described->warnings)
      options_.log->event(io::log_level::warning, "a library is odd",
                          {{"library", name}, {"reason", each}});
  return std::make_shared<const core::library_description>(std::move(*described));
}

core::result<core::library_description>
library_catalogue::describe_python(const std::filesystem::path& file, std::string* printed) const {
  const auto path = std::filesystem::absolute(file);
  sandbox::launch_request request;
  request.argv = {options_.programs.python.string(), "-I",         "-B",
                  options_.programs.runner.string(), "--describe", path.string()};
  request.working_directory = path.parent_path();
  return ask_child(std::move(request), file.filename().string(), printed);
}

core::result<core::library_description>
library_catalogue::ask_child(sandbox::launch_request request, const std::string& name,
                             std::string* printed) const {
  const auto failed = [&name](core::errc code, const core::error& why) {
    return core::fail(core::error{.code = code,
                                  .message = fmt::format("library '{}' cannot be used: {}", name,
                                                         with_name(why.message, name)),
                                  .origin = "library:" + name,
                                  .exit_code = why.exit_code,
                                  .signal = why.signal,
                                  .evidence = why.evidence});
  };
  auto nothing = io::make_sealed_file("maze-call", {});
  auto reply = nothing ? io::make_memory_file("maze-library") : std::move(nothing);
  if (!reply)
    return core::fail(reply.error());
  const auto told = std::make_shared<const io::unique_fd>(std::move(*reply));
  request.environment = {"PATH=/usr/bin:/bin", "HOME=/", "LANG=C.UTF-8"};
  request.sandbox.wall_time = options_.patience;
  request.sandbox.cpu_time = options_.patience;
  request.inherited.insert(request.inherited.begin(),
                           {std::make_shared<const io::unique_fd>(std::move(*nothing)), told});
  std::promise<sandbox::exit_report> end;
  auto ended = end.get_future();
  launcher_->launch(std::move(request),
                    [&end](sandbox::exit_report report) { end.set_value(std::move(report)); });
  const sandbox::exit_report report = ended.get();
  if (printed != nullptr)
    *printed = report.standard_error.text;
  core::task_spec limits;
  limits.sandbox.wall_time = options_.patience;
  limits.sandbox.cpu_time = options_.patience;
  if (auto own_end = check_end(limits, report, "child that loaded it"); !own_end)
    return failed(core::errc::invalid_payload, own_end.error());
  auto message = io::read_all(told->get(), description_max);
  if (!message)
    return failed(core::errc::invalid_payload, message.error());
  if (message->empty())
    return failed(core::errc::invalid_payload,
                  ended_badly(core::errc::invalid_payload,
                              fmt::format("it ended the child that loaded it with exit status {}",
                                          report.exit_code),
                              report));
  auto described = description_in(*message);
  if (!described)
    return failed(described.error().code == core::errc::unsupported_operation
                      ? core::errc::unsupported_operation
                      : core::errc::invalid_payload,
                  described.error());
  return described;
}

} // namespace maze::actors
