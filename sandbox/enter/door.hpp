#pragma once

#include <string>

namespace maze::sandbox::enter {

/// On the node, for engines that hand no descriptor on: opens a socket in `folder`, which only the node's user may enter, waits in a process of its own for the first who connects, hands that one
/// the descriptors 0 … `count` - 1, and takes the socket and the folder away; it gives up when this process ends. Runs `program` in this process meanwhile, with nothing for its standard input.
/// @param program  words, the last of them null; the first is a path
/// @return only where that failed: `refused`, with a sentence on the standard error
int hand_over(const std::string& folder, int count, char** program);

/// In a container: takes the place of whoever connects to the socket at `path`, and has the descriptors afterwards.
/// False, with errno set, where that failed.
bool take_over(const std::string& path);

} // namespace maze::sandbox::enter
