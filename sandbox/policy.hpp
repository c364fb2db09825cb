#pragma once

#include "maze/core/sandbox_spec.hpp"
#include "maze/sandbox/syscalls.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace maze::sandbox {

/// What a sealed child sees of the machine beside its taskspace, at the same paths as outside. All else is not there.
struct sealed_view {
  /// Never writable, passed over where they are not there: the system's programs, what these look up in /etc, and the
  /// node's own. The same for all children with the same kind of network, for whom maze-init prepares it once.
  std::vector<std::string> system;
  /// Never writable, and must be there.
  std::vector<std::string> readable;
  /// Writable as far as the child's user may write there, and must be there.
  std::vector<std::string> writable;
  /// Bytes of its own /tmp, and of its /dev/shm.
  std::uint64_t temporary_max = 0;
  bool network = false;
  /// It may leave something behind in its namespaces, which then serve nobody else: its filter allows objects that
  /// outlive processes, or what it sees has its place in folders of the base.
  bool single_use = false;
};

/// The view that `spec` asks for; `programs` are what every child needs of this node's own.
///
/// @pre `core::check_sandbox(spec)` and `spec.sealed()`
sealed_view view_of(const core::sandbox_spec& spec,
                    const std::vector<std::filesystem::path>& programs);

/// The system calls that `spec` leaves to a child with namespaces.
syscall_policy syscalls_of(const core::sandbox_spec& spec);

} // namespace maze::sandbox
