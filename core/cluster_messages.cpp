#include "maze/core/cluster_messages.hpp"

#include "maze/core/codec.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

constexpr std::size_t endpoint_bytes_max = 256;

result<void> check(const manifest_delta& files) {
  if (auto sound = check_file_map(files.written); !sound)
    return sound;
  for (const auto& path : files.removed)
    if (auto sound = check_path(path); !sound)
      return sound;
  return {};
}

result<void> check(const run_orders& x) {
  for (const auto& order : x.orders)
    if (auto sound = check(order.files); !sound)
      return sound;
  return {};
}

result<void> check(const name_holders& x) {
  for (const auto& each : x.holders)
    if (each.endpoint.size() > endpoint_bytes_max)
      return fail(errc::limit_exceeded,
                  fmt::format("the endpoint of node {} has {} bytes, {} are allowed",
                              each.node.value, each.endpoint.size(), endpoint_bytes_max));
  return {};
}

result<void> check(const order_published& x) { return check(x.files); }

/// The rest is sound once it could be read.
template <class T>
result<void> check(const T&) {
  return {};
}

template <class Message>
result<Message> decode(std::string_view encoded, std::string_view what) {
  auto message = from_binary<Message>(encoded, what);
  if (!message)
    return message;
  if (auto sound = std::visit([](const auto& x) { return check(x); }, *message); !sound) {
    sound.error().message = fmt::format("{}: {}", what, sound.error().message);
    return fail(std::move(sound.error()));
  }
  return message;
}

} // namespace

std::string encode_to_node(const to_node& message) { return to_binary(message); }

std::string encode_to_master(const to_master& message) { return to_binary(message); }

result<to_node> decode_to_node(std::string_view encoded) {
  return decode<to_node>(encoded, "message to a node");
}

result<to_master> decode_to_master(std::string_view encoded) {
  return decode<to_master>(encoded, "message to the master");
}

} // namespace maze::core
