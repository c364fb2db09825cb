#pragma once

#include "host/reply_buffer.hpp"

namespace maze::host {

/// Sees to it that replies which are ready get out however functions end this process: by `exit`, by a fault, by
/// `abort`, by a stack that ran over. Signals then do what they would have done.
///
/// @note Once in a process, by its main thread; `replies` must live until the end.
void guard_replies(reply_buffer& replies);

/// In a copy that the host made of itself for one call: from here on this is a host, which answers into `replies`.
void become_host(reply_buffer& replies) noexcept;

/// Whether this is a copy of the host that a function made with `fork`: it must not speak for the host.
bool is_copy() noexcept;

} // namespace maze::host
