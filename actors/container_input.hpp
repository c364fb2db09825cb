#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace maze::actors {

/// The standard input of a child in a container.
struct container_input {
  /// The node's end, which is open as long as somebody holds this: the child ends when nobody does.
  std::shared_ptr<void> hold;
  /// The child's end.
  std::shared_ptr<const io::unique_fd> inner;
};

/// An input through which `bytes` come, written by the thread of `context`, and then nothing. Fails as socketpair(2) does.
core::result<container_input> make_container_input(boost::asio::io_context& context,
                                                   std::string bytes);

} // namespace maze::actors
