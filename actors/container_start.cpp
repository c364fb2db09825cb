#include "maze/actors/container_start.hpp"

#include "maze/actors/attempt_environment.hpp"
#include "maze/io/memory_file.hpp"
#include "maze/sandbox/shown_path.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <sys/resource.h>
#include <utility>

namespace maze::actors {

namespace {

constexpr std::uint64_t report_size_max = 4096;

std::vector<sandbox::enter::limit> limits_of(const core::sandbox_spec& spec) {
  std::vector<sandbox::enter::limit> out{{RLIMIT_CORE, 1}};
  const auto add = [&out](int resource, const std::optional<std::uint64_t>& value) {
    if (value)
      out.push_back({resource, *value});
  };
  const auto bytes = [](const std::optional<core::byte_count>& x) {
    return x ? std::optional(x->value) : std::nullopt;
  };
  add(RLIMIT_AS, bytes(spec.address_space));
  add(RLIMIT_FSIZE, bytes(spec.file_size));
  add(RLIMIT_NOFILE, spec.open_files);
  return out;
}

/// Of the environment that a task would have on the node, what goes over that of its image: programs lie elsewhere in there.
std::vector<std::string> without_path(std::vector<std::string> environment) {
  static const std::string here = "PATH=" + base_environment().path;
  std::erase(environment, here);
  return environment;
}

std::string from_process(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::string() : fmt::format("{}={}", name, text);
}

/// Turns the paths that a task asks for into what they lead to: an engine goes by names, with the rights of root.
core::result<void> show_paths(sandbox::container_start& start) {
  for (const bool writable : {false, true})
    for (const std::string& path :
         std::exchange(writable ? start.sandbox.writable : start.sandbox.readable, {})) {
      auto real = sandbox::shown_path(path, start.user);
      if (!real)
        return core::fail(real.error());
      std::error_code failed;
      const auto kind = std::filesystem::status(*real, failed).type();
      if (kind == std::filesystem::file_type::character
          || kind == std::filesystem::file_type::block)
        start.devices.push_back(std::move(*real));
      else
        start.mounts.push_back({std::move(*real), path, writable});
    }
  return {};
}

} // namespace

core::result<sandbox::container_start>
make_container_start(const sandbox::launch_request& request,
                     const std::vector<sandbox::container_mount>& programs,
                     const std::filesystem::path& enter, const std::string& owner,
                     const std::filesystem::path& records) {
  auto image = sandbox::image_of(request, records);
  if (!image)
    return core::fail(image.error());
  sandbox::container_start out{.name = {},
                               .owner = owner,
                               .image = std::move(*image),
                               .user = request.user,
                               .sandbox = request.sandbox,
                               .mounts = {{enter, sandbox::container_enter, false}},
                               .devices = {},
                               .inherited = request.inherited.size(),
                               .folders = {},
                               .arguments = {}};
  out.mounts.insert(out.mounts.end(), programs.begin(), programs.end());
  if (request.working_directory != "/")
    out.mounts.push_back({request.working_directory, request.working_directory, true});
  if (auto shown = show_paths(out); !shown)
    return core::fail(shown.error());
  return out;
}

core::result<sandbox::container_start>
make_standing_start(const sandbox::launch_request& request,
                    const std::vector<sandbox::container_mount>& programs,
                    const std::filesystem::path& enter, const std::string& owner,
                    const std::filesystem::path& records) {
  auto out = make_container_start(request, programs, enter, owner, records);
  if (!out)
    return out;
  const auto& folder = request.working_directory;
  if (folder != "/") {
    std::erase_if(out->mounts, [&folder](const auto& x) { return x.to == folder; });
    // An overlay has a folder of its own for all its parts.
    out->folders = request.overlay ? folder.parent_path().parent_path() : folder.parent_path();
  }
  out->user.reset();
  out->stays = true;
  out->inherited = 1;
  const auto temporary = out->sandbox.temporary.value_or(core::container_temporary).value;
  out->arguments = {"stay", std::to_string(first_inherited), std::to_string(temporary),
                    out->folders.native()};
  // Each task has these places to itself, without what is mounted below them.
  for (const sandbox::container_mount& each : out->mounts)
    if (each.to.native().starts_with("/tmp/") || each.to.native().starts_with("/dev/shm/"))
      out->arguments.push_back(each.to.native());
  return out;
}

sandbox::enter::block take_block(sandbox::launch_request& request, std::vector<std::string> argv,
                                 std::string filter, int report) {
  const core::sandbox_spec& spec = request.sandbox;
  return {.argv = std::move(argv),
          .environment = without_path(std::move(request.environment)),
          .working_directory = request.working_directory.native(),
          .limits = limits_of(spec),
          .cpu_time = spec.cpu_time ? static_cast<std::uint64_t>(spec.cpu_time->count()) : 0,
          .filter = std::move(filter),
          .report = report};
}

std::vector<std::string> engine_environment() {
  std::vector<std::string> out{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  for (const char* name : {"HOME", "DOCKER_HOST", "XDG_RUNTIME_DIR", "TMPDIR", "CONTAINERS_CONF",
                           "CONTAINERS_STORAGE_CONF"})
    if (auto text = from_process(name); !text.empty())
      out.push_back(std::move(text));
  return out;
}

void become_engines(sandbox::launch_request& request) {
  request.environment = engine_environment();
  if (request.overlay)
    request.overlay->owner = request.user;
  request.user.reset();
  request.sandbox = {.level = core::sandbox_level::none, .wall_time = request.sandbox.wall_time};
}

core::result<std::shared_ptr<const io::unique_fd>> make_report_file() {
  auto file = io::make_memory_file("maze-report");
  if (!file)
    return core::fail(file.error());
  return std::make_shared<const io::unique_fd>(std::move(*file));
}

std::optional<sandbox::enter::report>
read_report(const std::shared_ptr<const io::unique_fd>& file) {
  if (!file)
    return std::nullopt;
  const auto bytes = io::read_all(file->get(), report_size_max);
  return bytes ? sandbox::enter::decode_report(*bytes) : std::nullopt;
}

} // namespace maze::actors
