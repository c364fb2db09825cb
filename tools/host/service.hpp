#pragma once

#include "host/options.hpp"

namespace maze::host {

/// Does what `given` says over the descriptors 3 and 4, and gives back the exit status, `core::host_broken` where these or the
/// messages on them are not what they should be; what went wrong stands on standard error or in a message.
int serve(const options& given);

} // namespace maze::host
