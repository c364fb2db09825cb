// Defines what the headers here declare: see shared_messages.hpp.
#include "maze/actors/protocol/document_actor.hpp"
#include "maze/actors/protocol/journal_actor.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/protocol/registry_actor.hpp"

MAZE_DOCUMENT_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_JOURNAL_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_MASTER_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_RECLAIMER_MESSAGES(MAZE_DEFINE_MESSAGE)
MAZE_REGISTRY_MESSAGES(MAZE_DEFINE_MESSAGE)
