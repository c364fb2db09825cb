#include "maze/sandbox/container_engine.hpp"

#include "maze/io/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace maze::sandbox {

namespace {

namespace fs = std::filesystem;

/// The manager of control groups that makes them by itself.
constexpr const char* own_groups = "cgroupfs";

bool somebody_listens(const fs::path& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (path.empty() || path.native().size() >= sizeof where.sun_path)
    return false;
  std::memcpy(where.sun_path, path.c_str(), path.native().size());
  const io::unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return socket
         && ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
}

std::optional<fs::path> find_program(const engine_search& look, const char* name) {
  for (const fs::path& folder : look.folders)
    if (const auto path = folder / name; ::access(path.c_str(), X_OK) == 0)
      return path;
  return std::nullopt;
}

std::optional<std::uint64_t> most(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0
      || limit.rlim_max == RLIM_INFINITY)
    return std::nullopt;
  return limit.rlim_max;
}

/// To so many podman itself lowers the limit for what it starts, and nothing of that can be raised again.
constexpr std::uint64_t podman_processes = 32'768;

/// Empty where `to` is docker and can be used.
std::string lacks_docker(const engine_search& look, container_engine& to) {
  const auto program = find_program(look, "docker");
  if (!program)
    return "docker is not installed";
  if (!look.answers(look.docker_socket))
    return look.docker_socket.empty() ? "the daemon of docker is on another machine"
                                      : fmt::format("no daemon of docker answers this user at {}",
                                                    look.docker_socket.native());
  to = {.kind = engine_kind::docker,
        .program = *program,
        .options = {},
        .open_files = std::nullopt,
        .processes = std::nullopt};
  return {};
}

std::string lacks_podman(const engine_search& look, container_engine& to) {
  const auto program = find_program(look, "podman");
  if (!program)
    return "podman is not installed";
  if (!look.root)
    return "podman holds its containers to limits only for a node that is root";
  to = {.kind = engine_kind::podman,
        .program = *program,
        .options = {},
        .open_files = most(RLIMIT_NOFILE),
        .processes = std::min(most(RLIMIT_NPROC).value_or(podman_processes), podman_processes),
        .core = most(RLIMIT_CORE)};
  if (const auto runc = find_program(look, "runc"))
    to.options = {"--runtime", runc->native()};
  else if (!find_program(look, "crun"))
    return "podman has neither runc nor crun: install runc";
  else if (look.hybrid_groups)
    return "podman's crun refuses the control groups of this machine, which are of both versions: "
           "install runc";
  if (!look.systemd)
    to.options.insert(to.options.end(), {"--cgroup-manager", own_groups});
  return {};
}

} // namespace

std::string_view to_string(engine_kind x) noexcept {
  return x == engine_kind::docker ? "docker" : "podman";
}

bool makes_groups(const container_engine& x) {
  return std::find(x.options.begin(), x.options.end(), own_groups) != x.options.end();
}

engine_search engine_search::of_this_machine() {
  constexpr long cgroup2_magic = 0x63677270;
  struct statfs groups {};
  const bool unified = ::statfs("/sys/fs/cgroup", &groups) == 0 && groups.f_type == cgroup2_magic;
  engine_search out;
  out.answers = somebody_listens;
  constexpr std::string_view local = "unix://";
  if (const char* const host = std::getenv("DOCKER_HOST"); host != nullptr && *host != '\0')
    // A daemon elsewhere does not see this node's folders.
    out.docker_socket =
        std::string_view(host).starts_with(local) ? fs::path(host + local.size()) : fs::path();
  out.root = ::geteuid() == 0;
  out.hybrid_groups = !unified && ::access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0;
  out.systemd = ::access("/run/systemd/system", F_OK) == 0;
  return out;
}

core::result<container_engine> find_engine(const engine_search& look) {
  container_engine out;
  const auto docker = lacks_docker(look, out);
  if (docker.empty())
    return out;
  const auto podman = lacks_podman(look, out);
  if (podman.empty())
    return out;
  return core::fail(core::errc::unsupported_operation,
                    fmt::format("there is no container engine: {}; {}", docker, podman), "launch");
}

} // namespace maze::sandbox
