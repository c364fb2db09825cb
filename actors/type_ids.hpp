#pragma once

#include <caf/fwd.hpp>

#include <cstdint>

namespace maze::actors {

/// Tells `config` every type that may travel between nodes. Every process of a cluster, every tool and
/// every test calls this one function, so that all agree.
void add_message_types(caf::actor_system_config& config);

/// A hash of all that `add_message_types` registers: nodes whose hashes differ would drop each other's
/// messages in silence.
std::uint64_t message_types_hash();

} // namespace maze::actors
