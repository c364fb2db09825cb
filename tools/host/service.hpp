#pragma once

#include "host/options.hpp"

namespace maze::host {

/// The exit status for what is no defect of a library: descriptors or messages that are not what they should
/// be.
inline constexpr int broken_protocol = 70;

/// Does what `given` says over the descriptors 3 and 4, and gives back the exit status; what went wrong stands on
/// standard error or in a message.
int serve(const options& given);

} // namespace maze::host
