// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/log_actor.hpp"
#include "maze/actors/protocol/node_agent_actor.hpp"
#include "maze/actors/protocol/node_gate_actor.hpp"
#include "maze/actors/protocol/node_link_actor.hpp"
#include "maze/actors/protocol/scheduler_actor.hpp"
#include "maze/actors/protocol/worker_actor.hpp"

MAZE_LOG_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_NODE_AGENT_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_NODE_GATE_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_NODE_LINK_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_SCHEDULER_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_WORKER_MESSAGES(MAZE_DEFINE_MESSAGE)
