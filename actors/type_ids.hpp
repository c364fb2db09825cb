#pragma once

#include <caf/fwd.hpp>

namespace maze::actors {

/// Tells `config` every type that may travel between nodes. Every process of a cluster, every tool and
/// every test calls this one function, so that all agree.
void add_message_types(caf::actor_system_config& config);

} // namespace maze::actors
