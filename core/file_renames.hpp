#pragma once

#include "maze/core/file_overlay.hpp"

#include <string>
#include <string_view>

namespace maze::core {

/// The name under which what `task` put at a contested name is seen: the task's name in front of the
/// extension, `out.b.txt` for `out.txt`; behind the whole name of a folder, or where there is no
/// extension, `out.b`.
std::string name_for_task(std::string_view name, std::string_view task, bool folder);

/// The policy `rename`: what remains in `latest` with each contradiction settled by names, which no
/// timing changes.
///
/// Of the different things that strangers put at one path, equal ones count as one, and a folder with
/// all below it is one. The thing whose first task stands first in the workflow keeps the path, each
/// other one is seen under `name_for_task` of its own first task. A removal gives way to what others
/// wrote. Whoever saw such a name and writes there goes on from that content; whoever saw all of the
/// things and writes the path itself settles it.
///
/// Fails with `file_conflict` where a new name is too long, or taken: by another task that did not see
/// it there, or by the snapshot.
/// @param latest  Of the same history, by ancestry.
result<manifest_delta> settle_by_name(const file_history& history, const file_overlay& latest);

} // namespace maze::core
