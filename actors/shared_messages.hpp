#pragma once

#include "maze/actors/single_message.hpp"
#include "maze/core/link_frame.hpp"

#include <string>

/// The code that CAF makes for each kind of message, compiled once instead of in every file that sends
/// one: it is half of what such a file takes to compile. A header that defines messages declares them,
/// a source file beside it defines them. The classes are inner ones of CAF 0.17.
#define MAZE_MESSAGE(prefix, type)                                                                 \
  prefix template class caf::detail::type_erased_value_impl<type>;                                 \
  prefix template class caf::detail::tuple_vals_impl<caf::detail::message_data, type>;             \
  prefix template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, type>;                \
  prefix template class caf::detail::tuple_vals<type>;
#define MAZE_DECLARE_MESSAGE(type)                                                                 \
  template <>                                                                                      \
  inline constexpr bool maze::actors::is_single_message<type> = true;                              \
  MAZE_MESSAGE(extern, type)                                                                       \
  extern template class caf::mailbox_element_vals<type>;
#define MAZE_DEFINE_MESSAGE(type)                                                                  \
  MAZE_MESSAGE(, type)                                                                             \
  template class caf::mailbox_element_vals<type>;

/// Those that are no types of the protocol's own. CAF has code for text and truth values itself.
MAZE_DECLARE_MESSAGE(maze::core::link_frame)
MAZE_MESSAGE(extern, bool)
MAZE_MESSAGE(extern, std::string)
