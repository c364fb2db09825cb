#include "maze/actors/client_filter.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <limits>

namespace maze::actors {

namespace {

using caf::io::basp::header;
using caf::io::basp::message_type;

/// CAF counts actors from 1 on.
constexpr caf::actor_id nobody = std::numeric_limits<caf::actor_id>::max();

} // namespace

bool client_filter::pass(std::vector<char>& piece, const name_check& taken) {
  if (ended_)
    return false;
  ended_ = !(payload_follows_ ? take_payload(piece, taken) : take_header(piece));
  return !ended_;
}

bool client_filter::take_header(std::vector<char>& piece) {
  caf::binary_deserializer in{nullptr, piece};
  if (piece.size() != caf::io::basp::header_size || in(last_))
    return false;
  payload_follows_ = last_.payload_len > 0;
  switch (last_.operation) {
  case message_type::client_handshake:
    return payload_follows_;
  case message_type::direct_message:
  case message_type::monitor_message:
    if (last_.has(header::named_receiver_flag) || !held_->reaches(last_.dest_actor)) {
      last_.flags = static_cast<std::uint8_t>(last_.flags & ~header::named_receiver_flag);
      last_.dest_actor = nobody;
      piece.clear();
      caf::binary_serializer out{nullptr, piece};
      return !out(last_);
    }
    return true;
  case message_type::down_message:
  case message_type::heartbeat:
    return true;
  default:
    // Handshakes of a server, and what is for other nodes.
    return false;
  }
}

bool client_filter::take_name(const caf::node_id& name, const name_check& taken) {
  // It comes twice where a connection is made for good.
  if (peer_)
    return name == peer_;
  // What CAF has for a node goes over the last connection that bears its name.
  if (!name || name == own_ || taken(name))
    return false;
  peer_ = name;
  return true;
}

bool client_filter::take_payload(const std::vector<char>& piece, const name_check& taken) {
  payload_follows_ = false;
  caf::binary_deserializer in{nullptr, piece};
  caf::node_id from;
  switch (last_.operation) {
  case message_type::client_handshake:
    return !in(from) && take_name(from, taken);
  case message_type::monitor_message:
  case message_type::down_message: {
    // CAF hands on what is said to another node, and believes what is said in the name of one.
    caf::node_id to;
    return !in(from, to) && from == peer_ && to == own_;
  }
  case message_type::direct_message:
    // It begins with how many actors the answer shall go to before whoever asked: to others of this node, which would take it
    // for a message of its own.
    return piece.front() == 0;
  default:
    return true;
  }
}

} // namespace maze::actors
