#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/result.hpp"

#include <string>
#include <string_view>

namespace maze::core {

/// The text form of a run's id, as in folder names and on the command line: Crockford's base 32 in
/// lower case (digits, then letters without i, l, o and u), most significant digit first, without
/// leading zeros; `0` for zero. At most 13 characters.
/// Source: https://www.crockford.com/base32.html
std::string to_string(run_id run);

/// The inverse. Accepts upper case, `o` for 0, and `i` and `l` for 1, as Crockford asks of readers;
/// leading zeros too. Fails with `invalid_argument` naming the text and the character that is wrong,
/// or saying that the number does not fit in 64 bits.
result<run_id> parse_run_id(std::string_view text);

/// `<name>-<run>`: the folder that a run's collected files go to.
std::string run_folder_name(std::string_view workflow_name, run_id run);

} // namespace maze::core
