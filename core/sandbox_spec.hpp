#pragma once

#include "maze/core/permissions.hpp"
#include "maze/core/result.hpp"
#include "maze/core/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// How much a child is kept apart. A level is a minimum: a node may enforce more, never less.
enum class sandbox_level : std::uint8_t {
  /// A child process without limits or filters.
  none = 0,
  /// Own process group, own pid namespace where the kernel allows, limits, a clean environment.
  subprocess = 1,
  /// Namespaces and a system-call filter.
  seccomp = 2,
  /// A container engine.
  container = 3,
};
/// Whether the number names a level.
constexpr bool is_known(sandbox_level x) noexcept { return x <= sandbox_level::container; }

/// What one attempt may use. A limit that is set is enforced or the task refused; unset means none.
struct sandbox_spec {
  sandbox_level level = sandbox_level::subprocess;
  /// Wall-clock time of the whole attempt's child.
  std::optional<duration> wall_time;
  /// CPU time of the whole tree where the node has a control group for it, at least of each process (RLIMIT_CPU), which
  /// then counts in whole seconds, rounded up.
  std::optional<duration> cpu_time;
  /// Memory of the whole tree, its files in memory included; no swap. Where the node has no control group for it, the tree
  /// is looked at now and then.
  std::optional<byte_count> memory;
  /// Share of the machine's time, in hundredths of one core, of the whole tree. Needs a control group.
  std::optional<std::uint32_t> cpu_share;
  /// Address space of one process (RLIMIT_AS).
  std::optional<byte_count> address_space;
  /// Largest file that the child may write (RLIMIT_FSIZE).
  std::optional<byte_count> file_size;
  /// What the attempt may write into its folder, all files together, as the file system counts them. It is looked at now
  /// and then, and once more before anything of it is published; a single file never grows beyond it.
  std::optional<byte_count> disk;
  /// Open descriptors of one process (RLIMIT_NOFILE).
  std::optional<std::uint64_t> open_files;
  /// Processes and threads of the whole tree where the node has a control group for it, else of the attempt's user
  /// (RLIMIT_NPROC).
  std::optional<std::uint64_t> processes;
  /// Whether the child may reach others over a network. None: as the level has it, which is no from `seccomp` up.
  std::optional<bool> network;
  /// False: the child sees no path of the machine but its programs. Only with `seccomp` or more, and without `readable` and
  /// `writable`.
  std::optional<bool> filesystem;
  /// Paths of the machine that the child sees beside what every child sees, and those it may write to besides, as far
  /// as its user may. Absolute. Only with `seccomp` or more: below, all of the machine is seen.
  std::vector<std::string> readable;
  std::vector<std::string> writable;
  /// System calls that are allowed beside the ordinary ones: names, numbers in decimal, sets with `@`. Only with `seccomp`.
  std::vector<std::string> syscalls;
  /// Whether a system call that is not allowed ends the attempt, instead of failing with EPERM. Only with `seccomp` itself:
  /// nobody outside a container could name the call.
  bool kill_on_violation = false;
  /// Whose files the child has for its root: what the container engine knows under this name; or an archive: where it begins with `/` the one there on
  /// the node, else one that comes with the run (`carried_archive`). Only with `container`; none: `container_image`.
  std::optional<std::string> image;
  /// Bytes of the child's own /tmp. Only with `container`; none: `container_temporary`.
  std::optional<byte_count> temporary;
  /// Whether the container stays for later tasks of the run with the same sandbox, one after the other. Only with `container`; none: no.
  std::optional<bool> reuse;
  /// Variables of the node's own environment that the child finds in its own too: those that the node's owner lets out.
  std::vector<std::string> variables;
  /// Modules that a Python function may import, by the first part of their names; none: any. It keeps honest code honest:
  /// what holds code that is not is the level.
  std::optional<std::vector<std::string>> imports;

  /// A node that cannot give all of this gives what it can, instead of refusing: see `degraded`.
  bool degrade = false;

  /// Whether the child has a root, namespaces and a filter of its own.
  [[nodiscard]] bool sealed() const noexcept { return level >= sandbox_level::seccomp; }
  [[nodiscard]] bool has_network() const noexcept { return network.value_or(!sealed()); }

  friend bool operator==(const sandbox_spec&, const sandbox_spec&) = default;
};

/// `sandbox_spec::memory`, at least.
constexpr std::uint64_t sandbox_memory_min = std::uint64_t{1} << 20;
/// `sandbox_spec::processes`, at most: Linux has no more.
constexpr std::uint64_t sandbox_processes_max = std::uint64_t{1} << 22;
/// `sandbox_spec::cpu_share`, at most: a thousand cores.
constexpr std::uint32_t cpu_share_max = 100'000;
/// What a container has where its task says nothing.
constexpr std::string_view container_image = "python:3.11-slim";
constexpr byte_count container_temporary{std::uint64_t{100} << 20};
constexpr byte_count container_memory{std::uint64_t{2048} << 20};
constexpr std::uint32_t container_cpu_share = 100;
constexpr std::uint64_t container_processes = 100;
/// `sandbox_spec::memory` of a container, at least.
constexpr std::uint64_t container_memory_min = std::uint64_t{8} << 20;
/// How the names of images begin that are made of archives.
constexpr std::string_view imported_images = "localhost/maze:";
/// `sandbox_spec::image` in bytes, at most.
constexpr std::size_t container_image_max = 1024;
/// Paths of each kind in a `sandbox_spec`, at most.
constexpr std::size_t sandbox_paths_max = 32;
/// `sandbox_spec::syscalls`, `variables` and `imports`, at most.
constexpr std::size_t sandbox_syscalls_max = 256;
constexpr std::size_t sandbox_variables_max = 256;
constexpr std::size_t sandbox_imports_max = 1024;

/// Whether an image is the path of an archive: it begins with `/`, or ends as archives are called.
bool is_archive(std::string_view image) noexcept;
/// The archive that must come with the run for this sandbox; null: none.
const std::string* carried_archive(const sandbox_spec& spec) noexcept;

/// Whether the parts of the spec go together: what only a sealed child can have is asked for at such a level, paths are
/// absolute and without `..`, numbers are within their bounds. Fails with `invalid_argument` naming part and remedy.
result<void> check_sandbox(const sandbox_spec& spec);

/// What of a sandbox not every node can give: what one node offers, or what a task needs.
struct sandbox_offer {
  /// Level seccomp.
  bool sealed = false;
  /// Shares of cores.
  bool cpu_shares = false;
  /// Level container.
  bool container = false;
  /// Variables of the node's environment that its owner lets out.
  std::vector<std::string> variables{};
  /// What tasks may do there.
  permission_set permissions{};

  friend bool operator==(const sandbox_offer&, const sandbox_offer&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, sandbox_offer& x) {
    return f(x.sealed, x.cpu_shares, x.container, x.variables, x.permissions);
  }
};

/// What a node must offer to give all of `spec`; of one that may be degraded, what it needs even so.
sandbox_offer needed_offer(const sandbox_spec& spec);

/// What is left of `spec` on a node that offers `here`, where the spec lets it: the next level below that there is, without the
/// parts that need the one asked for, and no share of cores. The spec itself where it does not, or nothing is missing.
/// Limits stay: what holds them to a whole tree is for the report card to say.
sandbox_spec degraded(sandbox_spec spec, const sandbox_offer& here);

/// `none`, `subprocess`, `seccomp`, `container`.
std::string_view to_string(sandbox_level level) noexcept;
/// The inverse; `docker` is accepted for `container`.
std::optional<sandbox_level> sandbox_level_from_string(std::string_view name) noexcept;

} // namespace maze::core
