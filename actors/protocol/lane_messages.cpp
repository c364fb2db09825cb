// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/call_hub_actor.hpp"
#include "maze/actors/protocol/lane_host_actor.hpp"

MAZE_LANE_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_LANE_HOST_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_CALL_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_CALL_HUB_MESSAGES(MAZE_DEFINE_MESSAGE)
