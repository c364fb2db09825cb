#pragma once

#include "maze/actors/errors.hpp"
#include "maze/actors/node_home.hpp"
#include "maze/actors/uplink.hpp"
#include "support/remote_cluster.hpp"

namespace maze::test {

using namespace actors;
using namespace std::chrono_literals;

/// What happened, told by several threads.
struct uplink_book {
  std::mutex guard;
  std::vector<std::uint64_t> incarnations;
  int dials = 0;
  int abandoned = 0;
  std::vector<core::drop_data> dropped;
  std::vector<core::to_master> heard;
  /// Said at the node's next frame, which comes with its heartbeat at the latest.
  std::vector<core::to_node> to_say;
  std::vector<attempt_order> orders;
  std::vector<core::run_id> closed;
  std::vector<push_blobs> pushes;
  bool master_takes = true;
  /// So many dials and joins fail first.
  int dials_to_fail = 0;
  int joins_to_refuse = 0;
  /// Else the end of the session is all that a node hears that leaves.
  bool answers_leave = true;

  template <class Work>
  auto look(Work work) {
    const std::lock_guard lock(guard);
    return work(*this);
  }
};

/// The uplink of a node and, in a system of its own, a gate and a link that a test plays.
struct uplink_fixture {
  std::shared_ptr<uplink_book> book = std::make_shared<uplink_book>();
  scratch_dir folder;
  node_config master_config{true};
  node_config own_config{true};
  caf::actor_system master{master_config};
  caf::actor_system own{own_config};
  master_peer link = master.spawn([book = book](master_peer::pointer self) {
    auto peer =
        std::make_shared<core::link>(core::session_id{7}, core::link::options{}, core::instant{});
    static_cast<void>(peer->connected({}));
    const auto take = [=](core::link_frame& frame) {
      const auto node = caf::actor_cast<node_peer>(self->current_sender());
      for (const core::to_node& each :
           book->look([](auto& x) { return std::exchange(x.to_say, {}); }))
        static_cast<void>(peer->send(core::encode_to_node(each)));
      auto step = peer->received(std::move(frame), {});
      for (const std::string& batch : step.delivered)
        core::for_each_item(batch, [&](std::string_view item) {
          book->look([&](auto& x) { x.heard.push_back(core::decode_to_master(item).value()); });
        });
      for (auto& answer : step.frames)
        self->send(node, std::move(answer));
    };
    const auto leave = [=](node_leaves) -> caf::result<bool> {
      if (book->look([](auto& x) { return x.answers_leave; }))
        return true;
      auto never = self->make_response_promise<bool>();
      const auto node = caf::actor_cast<node_peer>(self->current_sender());
      for (auto& over : peer->expel({.code = core::errc::node_lost, .message = "left"}, {}).frames)
        self->send(node, std::move(over));
      return never;
    };
    return master_peer::behavior_type{take, leave, [](const lane_ready&) {}};
  });
  node_gate_actor gate = master.spawn([book = book, link = link](node_gate_actor::pointer) {
    return node_gate_actor::behavior_type{[=](const join_node& msg) -> caf::result<node_admitted> {
      return book->look([&](auto& x) -> caf::result<node_admitted> {
        x.incarnations.push_back(msg.who.incarnation);
        if (x.joins_to_refuse-- > 0)
          return to_caf({.code = core::errc::stale, .message = "given up"});
        return node_admitted{core::node_id{3}, core::session_id{7}, link};
      });
    }};
  });
  local_agent_actor agent = own.spawn([book = book](local_agent_actor::pointer) {
    return local_agent_actor::behavior_type{
        [=](const run_attempts& msg) {
          book->look([&](auto& x) {
            x.orders.insert(x.orders.end(), msg.orders.begin(), msg.orders.end());
          });
        },
        [](const stop_attempts&) {},
        [=](const close_run& msg) { book->look([&](auto& x) { x.closed.push_back(msg.run); }); },
        [](drain_node) { return true; },
        [](ask_load) { return node_load{}; },
        [](const read_log&) { return log_piece{}; },
        [=](core::drop_data& msg) {
          book->look([&](auto& x) { x.dropped.push_back(std::move(msg)); });
        },
        [](const slot_free&) {},
        [](const attempt_returned&) {},
        [](line_tick) {},
        [](fetch_tick) {},
        [=](abandon_attempts) {
          book->look([](auto& x) { ++x.abandoned; });
          return true;
        },
    };
  });
  file_sync_actor files = own.spawn([book = book](file_sync_actor::pointer) {
    return file_sync_actor::behavior_type{
        [](const ensure_blobs&) { return true; },
        [=](const push_blobs& msg) -> caf::result<bool> {
          return book->look([&](auto& x) -> caf::result<bool> {
            x.pushes.push_back(msg);
            if (!x.master_takes)
              return to_caf({.code = core::errc::transfer_error, .message = "no"});
            return true;
          });
        },
        [](const fetch_document&) { return std::string("no document"); },
        [](const know_holders&) {},
        [](ask_traffic) { return sync_traffic{}; },
        [](sync_tick) {},
        [](const fetch_ended&) {},
        [](const holder_answered&) {},
        [](const drop_blobs&) {},
    };
  });
  inbound_door door{master, caf::actor_cast<caf::strong_actor_ptr>(gate), exported_to::workers};
  uplink_actor sut = own.spawn(
      uplink, uplink_setup{.who = {.name = "n1", .total = {}, .labels = {}, .incarnation = 5},
                           .blobs = "",
                           .link = {},
                           .dial = [this]() -> core::result<authenticated_socket> {
                             if (book->look([](auto& x) { return ++x.dials <= x.dials_to_fail; }))
                               return core::fail(core::errc::transfer_error, "nobody there");
                             auto [left, right] = socket_pair();
                             authenticated_socket served;
                             served.fd = std::move(left);
                             last = door.admit(std::move(served), "n1");
                             authenticated_socket out;
                             out.fd = std::move(right);
                             return out;
                           },
                           .backoff = {5ms, 20ms},
                           .leave_timeout = 10min,
                           .files = files,
                           .log = io::log::open({.file = folder / "log"}).value()});
  connection_switch last;

  ~uplink_fixture() {
    for (const auto& each : {caf::actor_cast<caf::actor>(sut), caf::actor_cast<caf::actor>(agent),
                             caf::actor_cast<caf::actor>(files), caf::actor_cast<caf::actor>(gate),
                             caf::actor_cast<caf::actor>(link)})
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  }
  uplink_status status() {
    uplink_status out;
    caf::scoped_actor self{own};
    self->request(sut, 60s, ask_uplink{})
        .receive([&](const uplink_status& told) { out = told; },
                 [](const caf::error& failed) { FAIL(core::describe(from_caf(failed))); });
    return out;
  }
  void serve() { caf::anon_send(sut, serve_agent{agent}); }
  template <class Message>
  void tell(Message msg) {
    caf::anon_send(sut, std::move(msg));
  }
  /// The first `count` things that the master heard.
  std::vector<core::to_master> heard(std::size_t count) {
    REQUIRE(
        eventually([&] { return book->look([&](auto& x) { return x.heard.size() >= count; }); }));
    return book->look([](auto& x) { return x.heard; });
  }
  bool connects() {
    return eventually([&] { return status().connected; });
  }
};

} // namespace maze::test
