#pragma once

#include <cstdint>
#include <span>
#include <string_view>

/// What the filter of system calls allows. The first list was traced (strace of shells, coreutils, compilers, Python,
/// Perl, git) and completed by the siblings of what was seen; names that a machine does not have are passed over.
namespace maze::sandbox::syscall_lists {

/// Allowed whatever their arguments. Those that change users are for programs that make sure of what they are (posix_spawn
/// of make): a sealed child has no right to become anybody else.
extern const std::span<const std::string_view> ordinary;

/// Of those, what Landlock does not guard: where there are no namespaces, priorities, cores and pairs of sockets are looked
/// at more closely, folders are not watched, and files of the child's own user are changed by none of these.
extern const std::span<const std::string_view> beyond_landlock;
extern const std::span<const std::string_view> of_file_status;

/// Bits of clone's flags that ask for a namespace (CLONE_NEW*; CLONE_NEWTIME is a bit of the exit signal here) or for a
/// sibling, which would not belong to the child's tree (CLONE_PARENT).
inline constexpr std::uint64_t refused_clone_flags = 0x7E028000;
/// First argument of socket: AF_UNIX alone, and those of the internet. With these comes AF_NETLINK of NETLINK_ROUTE, by
/// which programs look up routes.
extern const std::span<const std::uint64_t> local_families;
extern const std::span<const std::uint64_t> internet_families;
/// Type of file that mknod makes: a named pipe.
extern const std::span<const std::uint64_t> node_types;
/// Second argument of ioctl: about terminals and pipes; nothing that puts a character into somebody's input.
extern const std::span<const std::uint64_t> ioctls;
/// First argument of prctl.
/// Types of requests that NVIDIA's driver takes, and its requests for unified memory without one.
extern const std::span<const std::uint64_t> gpu_types;
extern const std::span<const std::uint64_t> unified_memory;
extern const std::span<const std::uint64_t> prctls;
/// Asking for the personality, and the usual one.
extern const std::span<const std::uint64_t> personalities;

} // namespace maze::sandbox::syscall_lists
