// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/session_actor.hpp"

MAZE_SESSION_MESSAGES(MAZE_DEFINE_MESSAGE)
