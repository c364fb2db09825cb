#include "maze/actors/master.hpp"

#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/random_value.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace maze;
using namespace maze::actors;

namespace {

struct master_fixture : test::actor_fixture {
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_journal journal = test::spawn_journal(*this);
  test::memory_registry registry = test::spawn_registry(*this);
  test::recording_node_agent agent = test::spawn_node_agent(*this);
  master_actor sut = spawn(master, master_setup{.seed = 5,
                                                .run_settings = {},
                                                .scheduler = scheduler.actor,
                                                .journal = journal.actor,
                                                .registry = registry.actor,
                                                .ended_runs_max = 2});

  submit_run one_task(std::string client_id = "c1", std::string name = "work") {
    auto work = test::work_of({test::shell("a", "true")}, std::move(name));
    work.client_id = std::move(client_id);
    return test::submit(std::move(work));
  }
  run_handle accepted(const submit_run& msg) {
    const auto reply = ask_later<run_handle>(sut, msg);
    test::acknowledge(*this, journal);
    return reply.value();
  }
  join_cluster join(std::uint32_t cpu_millis = 2000) {
    return {{.name = "n1",
             .total = {.cpu_millis = cpu_millis, .memory = {}, .gpus = 0},
             .labels = {},
             .incarnation = 1},
            agent.actor};
  }
  template <class Fact>
  std::size_t kept() const {
    return static_cast<std::size_t>(
        std::count_if(journal->facts.begin(), journal->facts.end(),
                      [](const auto& fact) { return std::holds_alternative<Fact>(fact); }));
  }
};

} // namespace

TEST_CASE_METHOD(master_fixture, "a submit is answered, and its run starts, once it is durable",
                 "[actors][master]") {
  const auto reply = ask_later<run_handle>(sut, one_task());
  CHECK(kept<core::run_accepted>() == 1);
  CHECK(reply.pending());
  CHECK(scheduler->offers.empty());
  test::acknowledge(*this, journal);
  CHECK(reply.value().context);
  REQUIRE(scheduler->offers.size() == 1);
  CHECK(scheduler->offers[0].order.run == reply.value().run);
}

TEST_CASE_METHOD(master_fixture, "the same submit again gives the same run", "[actors][master]") {
  const auto first = ask_later<run_handle>(sut, one_task());
  const auto second = ask_later<run_handle>(sut, one_task());
  CHECK(second.pending());
  test::acknowledge(*this, journal);
  const auto third = accepted(one_task());
  CHECK(first.value().run == second.value().run);
  CHECK(first.value().run == third.run);
  CHECK(first.value().context == third.context);
  CHECK(kept<core::run_accepted>() == 1);
  CHECK(scheduler->offers.size() == 1);
  CHECK(accepted(one_task("c2")).run != third.run);
}

TEST_CASE_METHOD(master_fixture, "a submit id that is taken by another workflow is refused",
                 "[actors][master]") {
  accepted(one_task("c1", "first"));
  const auto failed = ask_failing<run_handle>(sut, one_task("c1", "second"));
  CHECK(failed.code == core::errc::invalid_argument);
  CHECK(failed.message.find("first") != std::string::npos);
}

TEST_CASE_METHOD(master_fixture,
                 "a run that cannot be written down is refused, as often as it comes",
                 "[actors][master]") {
  auto work = test::work_of({test::shell("a", "true")});
  work.client_id = "c1";
  work.context["deep"] = {.content = test::nested_lists(100)};
  for (int i = 0; i < 2; ++i) {
    const auto failed = ask_failing<run_handle>(sut, test::submit(work));
    CHECK(failed.code == core::errc::limit_exceeded);
    CHECK(failed.message.find("deep") != std::string::npos);
  }
  CHECK(kept<core::run_accepted>() == 0);
  CHECK(registry->bundles.empty());
  CHECK(accepted(one_task("c1")).context);
}

TEST_CASE_METHOD(master_fixture, "secrets go to the registry and not to the journal",
                 "[actors][master]") {
  auto work = test::work_of({test::shell("a", "true")});
  work.context["key"] = {.content = core::value("s3cret-value"), .secret = true};
  work.context["top"] = {.content = core::value(50)};
  const auto run = accepted(test::submit(work)).run;
  for (const auto& fact : journal->facts)
    CHECK(core::encode_journal_event(fact).find("s3cret-value") == std::string::npos);
  const auto& fact = std::get<core::run_accepted>(journal->facts.at(0));
  CHECK(fact.secrets == std::vector<std::string>{"key"});
  CHECK(fact.context.count("top") == 1);
  CHECK(fact.tasks == std::vector<std::string>{"a"});
  CHECK(registry->bundles.at(run)->context.at("key").content == core::value("s3cret-value"));
}

TEST_CASE_METHOD(master_fixture, "no two runs share an attempt token", "[actors][master]") {
  accepted(one_task("c1"));
  accepted(one_task("c2"));
  REQUIRE(scheduler->offers.size() == 2);
  CHECK(scheduler->offers[0].order.attempt != scheduler->offers[1].order.attempt);
}

TEST_CASE_METHOD(master_fixture, "a node is in the cluster once that is durable",
                 "[actors][master]") {
  const auto reply = ask_later<node_admission>(sut, join());
  CHECK(kept<core::node_joined>() == 1);
  CHECK(reply.pending());
  CHECK(scheduler->joins.empty());
  test::acknowledge(*this, journal);
  REQUIRE(scheduler->joins.size() == 1);
  CHECK(scheduler->joins[0].node == reply.value().node);
  CHECK(scheduler->joins[0].total.cpu_millis == 2000);
}

TEST_CASE_METHOD(master_fixture, "a node without cores is refused", "[actors][master]") {
  CHECK(ask_failing<node_admission>(sut, join(0)).code == core::errc::invalid_argument);
  CHECK(journal->facts.empty());
}

TEST_CASE_METHOD(master_fixture, "a node whose agent dies has left", "[actors][master]") {
  const auto reply = ask_later<node_admission>(sut, join());
  test::acknowledge(*this, journal);
  kill(agent.actor);
  CHECK(kept<core::node_left>() == 1);
  CHECK(scheduler->gone == std::vector<core::node_id>{reply.value().node});
}

TEST_CASE_METHOD(master_fixture, "whoever keeps something of a run hears that it ended",
                 "[actors][master]") {
  ask_later<node_admission>(sut, join());
  const auto run = accepted(one_task());
  const auto state =
      GENERATE(core::run_state::completed, core::run_state::failed, core::run_state::cancelled);
  tell(sut, run_ended{run.run, state});
  tell(sut, run_ended{run.run, state});
  const std::vector<core::run_id> once{run.run};
  CHECK(registry->forgotten == once);
  CHECK(scheduler->closed == once);
  CHECK(agent->closed == once);
}

TEST_CASE_METHOD(master_fixture, "a run that is cancelled comes to its end everywhere",
                 "[actors][master]") {
  const auto run = accepted(one_task());
  tell(run.context, cancel_run{{.code = core::errc::cancelled, .message = "somebody asked"}});
  test::acknowledge(*this, journal);
  CHECK(registry->forgotten == std::vector<core::run_id>{run.run});
  CHECK(scheduler->closed == std::vector<core::run_id>{run.run});
}

TEST_CASE_METHOD(master_fixture, "who still waits when the master ends gets an error",
                 "[actors][master]") {
  const auto submitted = ask_later<run_handle>(sut, one_task());
  const auto joined = ask_later<node_admission>(sut, join());
  caf::anon_send_exit(sut, caf::exit_reason::user_shutdown);
  run();
  CHECK_FALSE(submitted.pending());
  CHECK_FALSE(joined.pending());
}

TEST_CASE_METHOD(master_fixture, "the runs of a master end with it", "[actors][master]") {
  const auto run = accepted(one_task());
  caf::anon_send_exit(sut, caf::exit_reason::user_shutdown);
  this->run();
  CHECK_FALSE(ask_failing<run_report>(run.context, ask_report{}).message.empty());
}

TEST_CASE_METHOD(master_fixture, "a run that ended and was released is forgotten",
                 "[actors][master]") {
  const auto first = accepted(one_task("c1"));
  tell(sut, release_run{first.run});
  CHECK(accepted(one_task("c1")).run == first.run);
  tell(sut, run_ended{first.run, core::run_state::completed});
  CHECK(ask_later<run_report>(first.context, ask_report{}).value().not_completed.size() == 1);
  tell(sut, release_run{first.run});
  CHECK_FALSE(ask_failing<run_report>(first.context, ask_report{}).message.empty());
  CHECK(accepted(one_task("c1")).run != first.run);
}

TEST_CASE_METHOD(master_fixture, "of the runs that ended only the latest can be asked about",
                 "[actors][master]") {
  std::vector<run_handle> runs;
  for (const char* id : {"c1", "c2", "c3"})
    runs.push_back(accepted(one_task(id)));
  for (const auto i : {1U, 0U, 2U})
    tell(sut, run_ended{runs[i].run, core::run_state::failed});
  CHECK_FALSE(ask_failing<run_report>(runs[1].context, ask_report{}).message.empty());
  for (const auto i : {0U, 2U})
    CHECK(ask_later<run_report>(runs[i].context, ask_report{}).value().counts.size() == 9);
}

TEST_CASE_METHOD(master_fixture, "no run gets the attempt tokens of one that was forgotten",
                 "[actors][master]") {
  const auto first = accepted(one_task("c1"));
  accepted(one_task("c2"));
  tell(sut, run_ended{first.run, core::run_state::completed});
  tell(sut, release_run{first.run});
  accepted(one_task("c3"));
  REQUIRE(scheduler->offers.size() == 3);
  CHECK(scheduler->offers[2].order.attempt != scheduler->offers[1].order.attempt);
  CHECK(scheduler->offers[2].order.attempt != scheduler->offers[0].order.attempt);
}

TEST_CASE_METHOD(master_fixture, "a run is forgotten when that is durable, and not before its end",
                 "[actors][master]") {
  auto asked = std::make_shared<std::vector<reclaim_runs>>();
  const auto sweeper = spawn([asked](reclaimer_actor::pointer) {
    return reclaimer_actor::behavior_type{
        [asked](reclaim_runs& msg) {
          asked->push_back(std::move(msg));
          return reclaimed{.blobs = 3, .bytes = 30};
        },
        [asked](reclaim_later& msg) { asked->push_back(std::move(msg.what)); },
        [](reclaim_tick) {},
    };
  });
  const auto lasting = spawn(master, master_setup{.seed = 5,
                                                  .run_settings = {},
                                                  .scheduler = scheduler.actor,
                                                  .journal = journal.actor,
                                                  .registry = registry.actor,
                                                  .ended_runs_max = 2,
                                                  .reclaimer = sweeper});
  std::vector<run_handle> runs;
  for (const char* id : {"c1", "c2", "c3", "c4"}) {
    const auto reply = ask_later<run_handle>(lasting, one_task(id));
    test::acknowledge(*this, journal);
    runs.push_back(reply.value());
  }
  tell(lasting, run_ended{runs[0].run, core::run_state::completed});

  SECTION("all of those that are named, or none") {
    CHECK(ask_failing<forgotten_runs>(lasting, forget_runs{{runs[0].run, runs[1].run}}).code
          == core::errc::invalid_argument);
    CHECK(ask_failing<forgotten_runs>(lasting, forget_runs{{runs[0].run, core::run_id{1}}}).code
          == core::errc::not_found);
    CHECK(ask<run_listing>(lasting, list_runs{}).known == 4);
    CHECK(kept<core::run_forgotten>() == 0);
  }
  SECTION("with what it needed, which its context is asked for") {
    const auto reply = ask_later<forgotten_runs>(lasting, forget_runs{{runs[0].run}});
    CHECK(kept<core::run_forgotten>() == 1);
    CHECK(reply.pending());
    CHECK(asked->empty());
    test::acknowledge(*this, journal);
    CHECK(reply.value().runs == std::vector{runs[0].run});
    CHECK(reply.value().freed.blobs == 3);
    REQUIRE(asked->size() == 1);
    CHECK(asked->at(0).contexts == std::vector{runs[0].context});
    CHECK_FALSE(asked->at(0).everything);
    CHECK(ask<run_listing>(lasting, list_runs{}).known == 3);
    CHECK(ask_later<needy>(lasting, list_needy{}).value().contexts.size() == 3);
  }
  SECTION("or every one that has ended") {
    tell(lasting, run_ended{runs[2].run, core::run_state::failed});
    const auto reply = ask_later<forgotten_runs>(lasting, forget_runs{.runs = {}, .all = true});
    test::acknowledge(*this, journal);
    CHECK(reply.value().runs == std::vector{runs[0].run, runs[2].run});
    CHECK(asked->at(0).everything);
  }
  SECTION("or because too many have ended after it") {
    for (const auto i : {1U, 2U})
      tell(lasting, run_ended{runs[i].run, core::run_state::completed});
    CHECK(kept<core::run_forgotten>() == 1);
    REQUIRE(asked->size() == 1);
    CHECK(asked->at(0).runs == std::vector{runs[0].run});
  }
}
