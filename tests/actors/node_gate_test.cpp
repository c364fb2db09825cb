#include "maze/actors/node_gate.hpp"

#include "maze/actors/master.hpp"
#include "support/fake_actors.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;

namespace {

struct link_book {
  std::vector<open_link> opened;
  std::vector<attach_uplink> attached;
  std::map<core::node_id, std::string> holders;
  int ends = 0;
  bool alive = true;
};

struct gate_fixture : test::actor_fixture {
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_journal journal = test::spawn_journal(*this);
  test::memory_registry registry = test::spawn_registry(*this);
  master_actor head = spawn(master, master_setup{.seed = 5,
                                                 .run_settings = {},
                                                 .scheduler = scheduler.actor,
                                                 .journal = journal.actor,
                                                 .registry = registry.actor});
  std::vector<std::shared_ptr<link_book>> links;
  std::shared_ptr<admission_book> admissions = std::make_shared<admission_book>();
  std::vector<std::shared_ptr<admission>> held;
  local_gate_actor sut =
      spawn(node_gate, node_gate_setup{.master = head,
                                       .admissions = admissions,
                                       .spawn_link = [this](const core::node_application&) {
                                         return spawn_link();
                                       }});
  node_peer uplink = spawn([](node_peer::pointer) {
    return node_peer::behavior_type{
        [](const core::link_frame&) {}, [](const read_log&) { return log_piece{}; },
        [](ask_load) { return node_load{}; }, [](end_node) { return true; }};
  });

  node_link_actor spawn_link() {
    auto book = std::make_shared<link_book>();
    links.push_back(book);
    auto out = spawn([book](node_link_actor::pointer) {
      return node_link_actor::behavior_type{
          [](const run_attempts&) {},
          [](const stop_attempts&) {},
          [](const close_run&) {},
          [](drain_node) { return true; },
          [](ask_load) { return node_load{}; },
          [](const read_log&) { return log_piece{}; },
          [](const core::drop_data&) {},
          [=](const open_link& msg) { book->opened.push_back(msg); },
          [=](const attach_uplink& msg) { book->attached.push_back(msg); },
          [=](const tell_holders& msg) {
            for (const auto& each : msg.holders)
              book->holders[each.node] = each.endpoint;
          },
          [](const core::link_frame&) {},
          [](const lane_ready&) {},
          [](link_tick) {},
          [](flush_link) {},
          [](forget_link) {},
          [=](end_node) {
            ++book->ends;
            return true;
          },
          [](node_leaves) { return true; },
      };
    });
    caf::actor_cast<caf::abstract_actor*>(out)->attach_functor([book] { book->alive = false; });
    return out;
  }
  /// A connection of its own.
  core::session_ticket connect(io::node_role role, const std::string& name,
                               core::permission_set permitted = core::permission_set::all()) {
    const core::session_ticket ticket{{.high = held.size() + 1, .low = 7}};
    held.push_back(admissions->enter(
        ticket, {.who = {.role = role, .name = name, .cluster = {}}, .permitted = permitted}));
    return ticket;
  }
  join_node application(const std::string& name, std::uint64_t incarnation = 1) {
    return {{.name = name, .total = {.cpu_millis = 1000}, .labels = {}, .incarnation = incarnation},
            "unix:/" + name,
            uplink,
            connect(io::node_role::worker, name)};
  }
  node_admitted join(const std::string& name, std::uint64_t incarnation = 1) {
    const auto reply = ask_later<node_admitted>(sut, application(name, incarnation));
    test::acknowledge(*this, journal);
    return reply.value();
  }
};

} // namespace

TEST_CASE_METHOD(gate_fixture, "a node that joins gets a link, once that is durable",
                 "[actors][node_gate]") {
  const auto reply = ask_later<node_admitted>(sut, application("n1"));
  CHECK(reply.pending());
  test::acknowledge(*this, journal);
  const auto& as = reply.value();
  REQUIRE(links.size() == 1);
  REQUIRE(links[0]->opened.size() == 1);
  CHECK(links[0]->opened[0].node == as.node);
  CHECK(links[0]->opened[0].session == as.session);
  REQUIRE(links[0]->attached.size() == 1);
  CHECK(links[0]->attached[0].uplink == uplink);
  REQUIRE(scheduler->joins.size() == 1);
  CHECK(scheduler->joins[0].node == as.node);
}

TEST_CASE_METHOD(gate_fixture, "only a worker joins, and under its own name",
                 "[actors][node_gate]") {
  const auto denied = [&](const core::session_ticket& shown) {
    auto said = application("n1");
    said.ticket = shown;
    const auto why = ask_failing<node_admitted>(sut, said);
    CHECK(why.code == core::errc::permission_denied);
    return why.message;
  };
  CHECK_THAT(denied({}), Catch::Contains("ticket"));
  CHECK_THAT(denied(connect(io::node_role::client, "n1")), Catch::Contains("ticket"));
  CHECK(denied(connect(io::node_role::worker, "n2")) == "worker n2 cannot join as 'n1'");
  CHECK(links.empty());
  join("n1");
}

TEST_CASE_METHOD(gate_fixture, "a node offers no more than its join file permits",
                 "[actors][node_gate]") {
  auto said = application("n1");
  said.who.offers.permissions = {0b0110};
  said.ticket = connect(io::node_role::worker, "n1", {0b1100});
  const auto reply = ask_later<node_admitted>(sut, said);
  test::acknowledge(*this, journal);
  REQUIRE(scheduler->joins.size() == 1);
  CHECK(scheduler->joins[0].offers.permissions.bits == 0b0100);
}

TEST_CASE_METHOD(gate_fixture, "a node that comes back finds the link that it had",
                 "[actors][node_gate]") {
  const auto first = join("n1");
  const auto again = join("n1");
  CHECK(again.session == first.session);
  CHECK(again.link == first.link);
  REQUIRE(links.size() == 2);
  CHECK(links[0]->alive);
  CHECK(links[0]->attached.size() == 2);
  CHECK(links[0]->opened.size() == 1);
  CHECK_FALSE(links[1]->alive);
  CHECK(scheduler->joins.size() == 1);
}

TEST_CASE_METHOD(gate_fixture, "a new incarnation gets a new session and ends the old link",
                 "[actors][node_gate]") {
  const auto first = join("n1");
  const auto second = join("n1", 2);
  CHECK(second.node == first.node);
  CHECK(second.session != first.session);
  CHECK_FALSE(links[0]->alive);
  CHECK(links[1]->alive);
  CHECK(links[1]->opened.size() == 1);
  CHECK(ask_failing<node_admitted>(sut, application("n1", 1)).code == core::errc::stale);
  CHECK_FALSE(links[2]->alive);
  CHECK(links[1]->alive);
}

TEST_CASE_METHOD(gate_fixture, "a node that the master refuses hears why", "[actors][node_gate]") {
  CHECK(ask_failing<node_admitted>(sut, application("bad name")).code
        == core::errc::invalid_argument);
  REQUIRE(links.size() == 1);
  CHECK_FALSE(links[0]->alive);
}

TEST_CASE_METHOD(gate_fixture, "nodes hear where the others serve blobs", "[actors][node_gate]") {
  const auto first = join("n1");
  const auto second = join("n2");
  CHECK(links[0]->holders == std::map<core::node_id, std::string>{{second.node, "unix:/n2"}});
  CHECK(links[1]->holders == std::map<core::node_id, std::string>{{first.node, "unix:/n1"}});
}

TEST_CASE_METHOD(gate_fixture, "every node is told when the cluster ends", "[actors][node_gate]") {
  CHECK(ask<bool>(sut, end_node{}));
  join("a");
  join("b");
  CHECK(ask<bool>(sut, end_node{}));
  CHECK(links.at(0)->ends == 1);
  CHECK(links.at(1)->ends == 1);
}
