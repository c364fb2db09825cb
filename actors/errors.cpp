#include "maze/actors/errors.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

namespace maze::actors {

caf::error to_caf(const core::error& what) {
  return caf::error{
      static_cast<std::uint8_t>(what.code), error_category,
      caf::make_message(what.message, what.origin, what.exit_code, what.signal, what.evidence)};
}

core::error from_caf(const caf::error& what) {
  const caf::message& context = what.context();
  if (what.category() == error_category
      && context
             .match_elements<std::string, std::string, std::int32_t, std::int32_t, std::string>())
    return {.code = static_cast<core::errc>(what.code()),
            .message = context.get_as<std::string>(0),
            .origin = context.get_as<std::string>(1),
            .exit_code = context.get_as<std::int32_t>(2),
            .signal = context.get_as<std::int32_t>(3),
            .evidence = context.get_as<std::string>(4)};
  return {.code = core::errc::scheduler_error, .message = to_string(what), .origin = "actors"};
}

} // namespace maze::actors
