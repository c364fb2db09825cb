#include "maze/actors/protocol/lane_actor.hpp"

MAZE_LANE_MESSAGES(MAZE_DEFINE_MESSAGE)
