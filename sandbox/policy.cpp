#include "maze/sandbox/policy.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace maze::sandbox {

namespace {

constexpr std::uint64_t temporary_max = std::uint64_t{256} << 20;

constexpr std::array<std::string_view, 7> system_folders{"/usr",   "/bin",   "/sbin",  "/lib",
                                                         "/lib32", "/lib64", "/libx32"};
/// What programs of the system look up. Nothing that names users, hosts, keys or services of this machine.
constexpr std::array<std::string_view, 26> looked_up{"/etc/ld.so.cache",
                                                     "/etc/ld.so.conf",
                                                     "/etc/ld.so.conf.d",
                                                     "/etc/alternatives",
                                                     "/etc/nsswitch.conf",
                                                     "/etc/localtime",
                                                     "/etc/timezone",
                                                     "/etc/locale.alias",
                                                     "/etc/os-release",
                                                     "/etc/debian_version",
                                                     "/etc/ssl/certs",
                                                     "/etc/ssl/openssl.cnf",
                                                     "/etc/ca-certificates",
                                                     "/etc/fonts",
                                                     "/etc/ImageMagick-6",
                                                     "/etc/ImageMagick-7",
                                                     "/etc/python3",
                                                     "/etc/python3.11",
                                                     "/etc/perl",
                                                     "/etc/mime.types",
                                                     "/etc/magic",
                                                     "/etc/magic.mime",
                                                     "/etc/java-11-openjdk",
                                                     "/etc/java-17-openjdk",
                                                     "/etc/manpath.config",
                                                     "/etc/terminfo"};
constexpr std::array<std::string_view, 6> looked_up_with_network{
    "/etc/resolv.conf", "/etc/hosts",     "/etc/host.conf",
    "/etc/services",    "/etc/protocols", "/etc/gai.conf"};

void append(std::vector<std::string>& to, const auto& paths) {
  to.insert(to.end(), paths.begin(), paths.end());
}

/// Whether a place for one of `paths` has to be made in folders that the next child sees too.
bool is_within_base(const std::vector<std::string>& paths) {
  return std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
    return path.starts_with("/etc/") || path.starts_with("/dev/")
           || path.find('/', 1) == std::string::npos;
  });
}

/// The child has folders of its own there, which cover those of the machine.
bool is_temporary(const std::string& path) {
  return path.starts_with("/tmp/") || path.starts_with("/dev/shm/");
}

/// Systems keep it elsewhere and change it there.
void show_resolver(std::vector<std::string>& to) {
  std::error_code failed;
  const auto real = std::filesystem::canonical("/etc/resolv.conf", failed);
  if (!failed && real != "/etc/resolv.conf")
    to.push_back(real.native());
}

} // namespace

sealed_view view_of(const core::sandbox_spec& spec,
                    const std::vector<std::filesystem::path>& programs) {
  sealed_view out;
  append(out.system, system_folders);
  append(out.system, looked_up);
  out.network = spec.has_network();
  if (out.network) {
    append(out.system, looked_up_with_network);
    show_resolver(out.system);
  }
  out.readable = spec.readable;
  for (const auto& path : programs) {
    std::string plain = path.lexically_normal().native();
    (is_temporary(plain) ? out.readable : out.system).push_back(std::move(plain));
  }
  out.writable = spec.writable;
  out.temporary_max = temporary_max;
  out.single_use =
      !spec.syscalls.empty() || is_within_base(spec.readable) || is_within_base(spec.writable);
  return out;
}

syscall_policy syscalls_of(const core::sandbox_spec& spec) {
  // To whom no device is shown, no request to one is of use.
  const bool gpus =
      std::any_of(spec.writable.begin(), spec.writable.end(),
                  [](const std::string& path) { return path.starts_with("/dev/nvidia"); });
  return {.network = spec.has_network(),
          .gpus = gpus,
          .told = spec.kill_on_violation,
          .more = spec.syscalls};
}

} // namespace maze::sandbox
