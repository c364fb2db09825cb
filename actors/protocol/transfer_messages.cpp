// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/blob_mover_actor.hpp"
#include "maze/actors/protocol/file_sync_actor.hpp"
#include "maze/actors/protocol/uplink_actor.hpp"

MAZE_DEFINE_MESSAGE(maze::core::link_frame)
MAZE_MESSAGE(, bool)
MAZE_MESSAGE(, std::string)
MAZE_BLOB_MOVER_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_FILE_SYNC_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_UPLINK_MESSAGES(MAZE_DEFINE_MESSAGE)
