#include "node/submission.hpp"

#include "maze/io/hash.hpp"
#include "maze/io/run_sources.hpp"
#include "maze/io/workflow_file.hpp"
#include "maze/sandbox/container_engine.hpp"
#include "maze/sandbox/syscalls.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <random>
#include <utility>

namespace maze::node {

namespace {

std::string new_client_id() {
  std::random_device source;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", source(), source(), source(), source());
}

} // namespace

core::result<core::context_map> read_context(const core::workflow& work, io::log* log) {
  core::context_map out;
  for (const auto& [name, source] : work.context) {
    if (source.secret_variable.empty()) {
      out.emplace(name, core::context_entry{source.content, false});
      continue;
    }
    const char* text = std::getenv(source.secret_variable.c_str());
    if (text == nullptr)
      return core::fail(
          core::errc::input_missing,
          fmt::format("the context entry '{}' is a secret from the environment variable "
                      "{}, which is not set: export it before you run the workflow",
                      name, source.secret_variable),
          "submit");
    if (log != nullptr)
      log->secrets().hide(text);
    out.emplace(name, core::context_entry{core::value(std::string(text)), true});
  }
  return out;
}

core::result<std::shared_ptr<actors::submission>>
prepare(core::workflow work, const std::filesystem::path& folder, io::blob_store& blobs,
        io::log& log, const io::snapshot_options& how, actors::library_catalogue* libraries) {
  auto context = read_context(work, &log);
  if (!context)
    return core::fail(context.error());
  auto sources = io::take_sources(work, folder, blobs, how);
  if (!sources)
    return core::fail(sources.error());
  if (libraries != nullptr)
    if (auto sound = libraries->settle(work.tasks, sources->libraries, *context); !sound)
      return core::fail(sound.error());
  auto tasks = core::graph::build(std::move(work.tasks));
  if (!tasks)
    return core::fail(tasks.error());
  auto out = std::make_shared<actors::submission>();
  out->client_id = new_client_id();
  out->name = std::move(work.name);
  out->tasks = std::make_shared<const core::graph>(std::move(*tasks));
  out->context = std::move(*context);
  out->files = std::move(sources->files);
  out->base = io::hash_bytes(core::encode_manifest(out->files));
  out->result = std::move(work.result);
  out->rules = std::move(work.rules);
  out->libraries = std::move(sources->libraries);
  out->archives = std::move(sources->archives);
  return out;
}

core::result<core::submission_form>
describe(core::workflow work, const std::filesystem::path& folder, io::blob_store& blobs) {
  auto context = read_context(work, nullptr);
  if (!context)
    return core::fail(context.error());
  auto sources = io::take_sources(work, folder, blobs);
  if (!sources)
    return core::fail(sources.error());
  core::submission_form out;
  out.client_id = new_client_id();
  out.name = std::move(work.name);
  out.tasks = std::move(work.tasks);
  out.context = std::move(*context);
  out.files = std::move(sources->files);
  out.base = io::hash_bytes(core::encode_manifest(out.files));
  out.collect = std::move(work.collect);
  out.result = std::move(work.result);
  out.rules = std::move(work.rules);
  out.libraries = std::move(sources->libraries);
  out.archives = std::move(sources->archives);
  return out;
}

core::result<void> check_enforceable(const core::workflow& work) {
  for (const core::task_spec& task : work.tasks) {
    const std::string origin = "submit:" + task.name;
    if (auto known = sandbox::check_syscalls(task.sandbox.syscalls); !known)
      return core::fail(known.error().code,
                        fmt::format("task '{}': {}", task.name, known.error().message), origin);
  }
  return {};
}

core::result<void> check_containers(const core::workflow& work) {
  const auto needs_engine = [](const core::task_spec& task) {
    return task.sandbox.level == core::sandbox_level::container && !task.sandbox.degrade;
  };
  const auto first = std::find_if(work.tasks.begin(), work.tasks.end(), needs_engine);
  if (first == work.tasks.end())
    return {};
  const auto engine = sandbox::find_engine(sandbox::engine_search::of_this_machine());
  if (engine)
    return {};
  return core::fail(engine.error().code,
                    fmt::format("task '{}' asks for level 'container', and {}; or allow less with "
                                "`degrade: allow`",
                                first->name, engine.error().message),
                    "submit:" + first->name);
}

core::sandbox_options seen_from(core::sandbox_options options,
                                const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (const std::string* const archive = core::carried_archive(options.values))
    options.values.image = fs::absolute(*archive)
                               .lexically_normal()
                               .lexically_relative(fs::absolute(folder).lexically_normal())
                               .native();
  return options;
}

core::result<void> settle_sandboxes(core::workflow& work, const core::sandbox_policy& policy) {
  for (core::task_spec& task : work.tasks) {
    core::fill(task, policy.defaults);
    auto fine = core::check_sandbox(task.sandbox);
    if (!fine)
      fine.error().message += ", with what --sandbox-option says";
    else
      fine = core::settle(task, policy);
    if (!fine)
      return core::fail(fine.error().code,
                        fmt::format("task '{}': {}", task.name, fine.error().message),
                        "submit:" + task.name);
  }
  return {};
}

core::error located(core::error what, const std::filesystem::path& file) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> sections{
      {{"submit:", "tasks"}, {"library:", "libraries"}}};
  for (const auto& [origin, section] : sections)
    if (what.origin.starts_with(origin)) {
      const auto place = io::place_of(file, section, what.origin.substr(origin.size()));
      what.message = fmt::format("{}: {}", place, what.message);
    }
  return what;
}

} // namespace maze::node
