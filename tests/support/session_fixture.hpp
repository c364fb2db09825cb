#pragma once

#include "maze/actors/document_reader.hpp"
#include "maze/actors/master.hpp"
#include "maze/actors/session_gate.hpp"
#include "maze/io/hash.hpp"
#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/scratch_dir.hpp"

namespace maze::test {

/// A session gate in front of a real master and real DAGContexts; one node that only takes notes.
struct session_fixture : actor_fixture {
  recording_scheduler scheduler = spawn_scheduler(*this);
  memory_journal journal = spawn_journal(*this);
  memory_registry registry = spawn_registry(*this);
  recording_node_agent agent = spawn_node_agent(*this);
  actors::master_actor master =
      spawn(actors::master, actors::master_setup{.seed = 5,
                                                 .run_settings = {},
                                                 .scheduler = scheduler.actor,
                                                 .journal = journal.actor,
                                                 .registry = registry.actor});
  scratch_dir folder;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  std::shared_ptr<io::log> log = io::log::open({.file = folder / "log"}).value();
  int shut_downs = 0;
  std::shared_ptr<actors::admission_book> admissions = std::make_shared<actors::admission_book>();
  const core::session_ticket ticket{{.high = 11, .low = 12}};
  std::shared_ptr<actors::admission> held = admissions->enter(ticket, client_of("me"));
  actors::session_actor sut =
      spawn(actors::session_gate,
            actors::session_gate_setup{
                .name = "home",
                .version = "1.2.3",
                .started = std::chrono::seconds(7),
                .master = master,
                .scheduler = scheduler.actor,
                .documents = spawn(actors::document_reader,
                                   actors::document_reader_setup{blobs, log, nullptr}),
                .admissions = admissions,
                .log = log,
                .on_shut_down = [this] { ++shut_downs; },
                .reports_max = 2});

  session_fixture() {
    const auto joined = ask_later<actors::node_admission>(
        master, actors::join_cluster{
                    {.name = "n1", .total = {.cpu_millis = 2000}, .labels = {}, .incarnation = 1},
                    agent.actor});
    acknowledge(*this, journal);
    REQUIRE(joined.value().node == core::node_id{1});
  }

  static actors::principal client_of(std::string name) {
    return {.who = {.role = io::node_role::client, .name = std::move(name), .cluster = {}}};
  }

  static core::submission_form form(std::string client_id = "c1", std::string name = "work") {
    core::submission_form out;
    out.client_id = std::move(client_id);
    out.name = std::move(name);
    out.tasks = {shell("a")};
    out.base = io::hash_bytes(core::encode_manifest(out.files));
    return out;
  }

  core::run_id submit(const core::submission_form& what) {
    const auto encoded = *core::encode_submission(what);
    const auto reply = ask_later<actors::submit_progress>(
        sut, actors::submit_part{what.client_id, encoded.size(), 0, encoded, ticket});
    acknowledge(*this, journal);
    return reply.value().run;
  }
  core::error submit_failing(const core::submission_form& what) {
    const auto encoded = *core::encode_submission(what);
    return ask_failing<actors::submit_progress>(
        sut, actors::submit_part{what.client_id, encoded.size(), 0, encoded, ticket});
  }

  /// The attempt that was offered as number `nth`, from 0, runs on the node.
  void place(std::size_t nth) {
    const actors::attempt_order& order = scheduler->offers.at(nth).order;
    tell(scheduler->offers.at(nth).context,
         actors::attempts_assigned{core::node_id{1}, {order.attempt}});
    tell(order.context, actors::attempt_entered{order.attempt, core::phase::execute});
  }
  void publish(std::size_t nth, const std::string& text) {
    place(nth);
    const actors::attempt_order& order = scheduler->offers.at(nth).order;
    core::dict printed{{"exit_code", 0}, {"stdout", text}, {"stderr", ""}};
    core::dict output;
    output.emplace("run", core::value(std::move(printed)));
    tell(order.context,
         actors::publish_attempt{order.attempt, core::encode(output).value(), {}, {}});
    acknowledge(*this, journal);
  }
  void lose(std::size_t nth, core::error why) {
    place(nth);
    const actors::attempt_order& order = scheduler->offers.at(nth).order;
    tell(order.context, actors::attempt_lost{order.attempt, std::move(why)});
    acknowledge(*this, journal);
  }
};

} // namespace maze::test
