#pragma once

#include "maze/actors/admission.hpp"

#include <caf/io/basp/header.hpp>
#include <caf/node_id.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace maze::actors {

/// Holds what a client says in CAF's own protocol to the actors that its connection reaches.
///
/// CAF gives a message to whichever actor has the number that stands in it, or the name, and hands on what is for other
/// nodes. Here a message for anybody else than those becomes one for an actor that does not exist, which CAF answers as it
/// does when an actor has ended; whatever no client has a use for ends the connection.
/// @note Not thread-safe: for CAF's I/O thread.
class client_filter {
public:
  client_filter(caf::node_id own, std::shared_ptr<const admission> held)
      : own_(std::move(own)), held_(std::move(held)) {}

  /// Whether CAF has a connection with the node of this name.
  using name_check = std::function<bool(const caf::node_id&)>;

  /// The next piece as CAF reads it: a header, or the payload that the last one announced. May change the piece.
  /// @returns whether CAF may see it; after the first that it may not, it sees no other.
  bool pass(std::vector<char>& piece, const name_check& taken);

private:
  bool take_header(std::vector<char>& piece);
  bool take_payload(const std::vector<char>& piece, const name_check& taken);
  /// Whether the client may call itself this, from now on.
  bool take_name(const caf::node_id& name, const name_check& taken);

  const caf::node_id own_;
  const std::shared_ptr<const admission> held_;
  /// What the client calls itself in CAF's handshake.
  caf::node_id peer_;
  caf::io::basp::header last_{};
  bool payload_follows_ = false;
  bool ended_ = false;
};

} // namespace maze::actors
