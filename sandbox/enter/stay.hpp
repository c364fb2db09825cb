#pragma once

#include <string>
#include <vector>

namespace maze::sandbox::enter {

/// The first process of a container that stays: runs the tasks that come as packets through `line`, one after the other, until its other end is closed. Each
/// has mounts, /tmp, /dev/shm and objects of System V of its own, another user without any right, and below `folder` its own folder.
/// @param folder  absolute; where the node keeps the folders of its tasks; empty: no task has one
/// @param temporary  bytes of each task's /tmp
/// @param shown  what the container shows below /tmp and /dev/shm
/// @return the exit status of this process
int stay(int line, const char* folder, unsigned long long temporary,
         const std::vector<std::string>& shown);

} // namespace maze::sandbox::enter
