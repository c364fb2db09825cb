#include "maze/actors/client_filter.hpp"

#include "support/actor_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>

using namespace maze;
using namespace maze::actors;
using caf::io::basp::header;
using caf::io::basp::message_type;

namespace {

template <class... Parts>
std::vector<char> bytes_of(const Parts&... parts) {
  std::vector<char> out;
  caf::binary_serializer sink{nullptr, out};
  REQUIRE_FALSE(sink(parts...));
  return out;
}

header header_in(const std::vector<char>& piece) {
  header out;
  caf::binary_deserializer in{nullptr, piece};
  REQUIRE_FALSE(in(out));
  return out;
}

caf::node_id node(std::uint32_t process) {
  return *caf::make_node_id(process, "0123456789abcdef0123456789abcdef01234567");
}

struct client_fixture : test::actor_fixture {
  const caf::node_id own = node(1);
  const caf::node_id client = node(2);
  const caf::node_id worker = node(3);
  const caf::strong_actor_ptr gate = caf::actor_cast<caf::strong_actor_ptr>(
      spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; }));
  std::shared_ptr<admission> held = std::make_shared<admission>(principal{});
  client_filter sut{own, held};

  std::vector<caf::node_id> taken{worker};
  const client_filter::name_check is_taken = [this](const caf::node_id& name) {
    return std::find(taken.begin(), taken.end(), name) != taken.end();
  };
  /// Of a message: nobody else gets the answer.
  const std::vector<char> content{0, 'x'};

  client_fixture() { held->open(gate); }

  bool says(message_type what, const std::vector<char>& payload, caf::actor_id to = 0,
            std::uint8_t flags = 0) {
    seen = bytes_of(header(what, flags, static_cast<std::uint32_t>(payload.size()), 5, 6, to));
    if (!sut.pass(seen, is_taken))
      return false;
    auto rest = payload;
    const bool passed = payload.empty() || sut.pass(rest, is_taken);
    CHECK(rest == payload);
    return passed;
  }
  bool shakes_hands(const caf::node_id& as) {
    return says(message_type::client_handshake, bytes_of(as, std::vector<std::string>{"caf"}));
  }
  /// The last header, as CAF saw it.
  std::vector<char> seen;
};

constexpr caf::actor_id nobody = std::numeric_limits<caf::actor_id>::max();

} // namespace

TEST_CASE_METHOD(client_fixture, "what a client says to the actors that it reaches passes as it is",
                 "[actors][client_filter]") {
  CHECK(shakes_hands(client));
  const auto passes = [&](message_type what, const std::vector<char>& payload) {
    CHECK(says(what, payload, gate->id()));
    CHECK(
        seen
        == bytes_of(header(what, 0, static_cast<std::uint32_t>(payload.size()), 5, 6, gate->id())));
  };
  passes(message_type::direct_message, content);
  passes(message_type::monitor_message, bytes_of(client, own));
  CHECK(says(message_type::down_message, bytes_of(client, own, caf::error{})));
  CHECK(says(message_type::heartbeat, {}));
}

TEST_CASE_METHOD(client_fixture, "what a client says to others goes to nobody",
                 "[actors][client_filter]") {
  CHECK(shakes_hands(client));
  for (const auto& [what, payload] :
       {std::pair{message_type::direct_message, content},
        std::pair{message_type::monitor_message, bytes_of(client, own)}}) {
    CHECK(says(what, payload, gate->id() + 1));
    CHECK(header_in(seen).dest_actor == nobody);
    CHECK(header_in(seen).operation == what);
    CHECK(header_in(seen).payload_len == payload.size());
    CHECK(header_in(seen).operation_data == 5);
  }
  // By a name whose number happens to be the gate's.
  CHECK(says(message_type::direct_message, content, gate->id(), header::named_receiver_flag));
  CHECK(header_in(seen).dest_actor == nobody);
  CHECK_FALSE(header_in(seen).has(header::named_receiver_flag));
  held->open(caf::actor_cast<caf::strong_actor_ptr>(
      spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; })));
  CHECK(says(message_type::direct_message, content, gate->id() + 1));
  CHECK(header_in(seen).dest_actor == gate->id() + 1);
}

TEST_CASE_METHOD(client_fixture, "what no client has a use for ends the connection",
                 "[actors][client_filter]") {
  SECTION("messages for other nodes") {
    CHECK(shakes_hands(client));
    CHECK_FALSE(says(message_type::routed_message, bytes_of(client, worker), gate->id()));
    // For good.
    CHECK_FALSE(says(message_type::heartbeat, {}));
  }
  SECTION("the end of somebody else's actor") {
    CHECK(shakes_hands(client));
    CHECK_FALSE(says(message_type::down_message, bytes_of(worker, own, caf::error{})));
  }
  SECTION("watching another node's actor") {
    CHECK(shakes_hands(client));
    CHECK_FALSE(says(message_type::monitor_message, bytes_of(client, worker), gate->id()));
  }
  SECTION("news before it said who it is") {
    CHECK_FALSE(says(message_type::down_message, bytes_of(client, own, caf::error{})));
  }
  SECTION("another name than at first") {
    CHECK(shakes_hands(client));
    taken = {client};
    CHECK(shakes_hands(client));
    taken = {};
    CHECK_FALSE(shakes_hands(worker));
  }
  SECTION("the name of a node that is connected") { CHECK_FALSE(shakes_hands(worker)); }
  SECTION("a question whose answer is for another actor") {
    CHECK(shakes_hands(client));
    CHECK_FALSE(says(message_type::direct_message, {1, 'x'}, gate->id()));
  }
  SECTION("this node's own name") { CHECK_FALSE(shakes_hands(own)); }
  SECTION("a server's handshake") {
    CHECK_FALSE(says(message_type::server_handshake, bytes_of(client)));
  }
  SECTION("something that is no header") {
    std::vector<char> piece(7);
    CHECK_FALSE(sut.pass(piece, is_taken));
  }
}
