#pragma once

#include "maze/io/http_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>

namespace maze::io {

/// What all connections of a server have in common; outlives them.
struct http_surroundings {
  http_handlers handlers;
  http_limits limits;
  boost::asio::io_context& network;
  boost::asio::thread_pool& answers;
  /// Connections end after the answer that they are waiting for.
  bool ends = false;
};

/// One connection of an `http_server`.
///
/// @note All calls in the thread of `network`.
class http_session {
public:
  virtual ~http_session() = default;
  /// Serves until the connection ends, then calls `ended`.
  virtual void start(std::function<void()> ended) = 0;
  /// Ends the connection.
  virtual void close() = 0;
  /// Nothing was asked, or nothing more since the last answer.
  [[nodiscard]] virtual bool idle() const = 0;
  /// Says that there is no place, and ends.
  virtual void refuse(std::function<void()> ended) = 0;
};

/// @pre `with` outlives what is returned.
std::shared_ptr<http_session> make_http_session(boost::asio::ip::tcp::socket socket,
                                                http_surroundings& with);

} // namespace maze::io
