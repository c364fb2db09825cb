// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/dag_context_actor.hpp"
#include "maze/actors/protocol/run_views.hpp"

MAZE_DAG_CONTEXT_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_RUN_VIEWS_MESSAGES(MAZE_DEFINE_MESSAGE)
