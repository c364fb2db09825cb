#include "maze/actors/journal_keeper.hpp"

#include "support/actor_fixture.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <optional>
#include <sys/resource.h>

using namespace maze;
using namespace maze::actors;

namespace {

core::journal_event left(std::uint64_t node) { return core::node_left{core::node_id{node}, {}}; }

/// Somebody with facts: what it hears is when they were durable.
struct writer {
  listener_actor<facts_durable> actor;
  std::shared_ptr<std::vector<std::uint64_t>> heard =
      std::make_shared<std::vector<std::uint64_t>>();
};

struct keeper_fixture : test::actor_fixture {
  keeper_fixture() {
    store = io::blob_store::open(folder / "store", {.durable = false}).value();
    journal = std::make_shared<io::journal>(io::journal::open(folder / "journal.sqlite").value());
    sut = spawn(journal_keeper,
                journal_keeper_setup{journal, store, [failed = failures](const core::error& why) {
                                       failed->push_back(why);
                                     }});
  }

  /// An actor that sends `batches` at once, ticket by ticket.
  writer write(std::vector<std::vector<core::journal_event>> batches) {
    writer out;
    out.actor =
        spawn([=, to = sut, heard = out.heard](listener_actor<facts_durable>::pointer self) {
          std::uint64_t ticket = 0;
          for (const auto& facts : batches)
            self->send(to, append_facts{facts, ++ticket});
          return listener_actor<facts_durable>::behavior_type{
              [=](facts_durable msg) { heard->push_back(msg.ticket); }};
        });
    return out;
  }

  std::vector<core::journal_event> kept() {
    std::vector<core::journal_event> out;
    auto reader = journal->read_from(1).value();
    while (auto row = reader.next().value())
      out.push_back(core::decode_journal_event(row->body).value());
    return out;
  }

  test::scratch_dir folder;
  std::shared_ptr<io::blob_store> store;
  std::shared_ptr<io::journal> journal;
  std::shared_ptr<std::vector<core::error>> failures = std::make_shared<std::vector<core::error>>();
  journal_actor sut;
};

/// While it lives no file of this process can grow.
class disk_that_takes_nothing {
public:
  disk_that_takes_nothing() {
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  disk_that_takes_nothing(const disk_that_takes_nothing&) = delete;
  disk_that_takes_nothing& operator=(const disk_that_takes_nothing&) = delete;
  ~disk_that_takes_nothing() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

private:
  rlimit before_{};
};

} // namespace

TEST_CASE_METHOD(keeper_fixture, "facts lie in the journal in order once their sender hears so",
                 "[actors][journal_keeper]") {
  const auto one = write({{left(1), left(2)}, {left(3)}});
  run();
  CHECK(kept() == std::vector<core::journal_event>{left(1), left(2), left(3)});
  REQUIRE_FALSE(one.heard->empty());
  CHECK(one.heard->back() == 2);
  CHECK(failures->empty());
}

TEST_CASE_METHOD(keeper_fixture, "what arrives together becomes durable together",
                 "[actors][journal_keeper]") {
  const auto one = write({{left(1)}, {left(2)}, {left(3)}});
  const auto two = write({{left(4)}});
  run();
  CHECK(*one.heard == std::vector<std::uint64_t>{3});
  CHECK(*two.heard == std::vector<std::uint64_t>{1});
  CHECK(kept().size() == 4);
}

TEST_CASE_METHOD(keeper_fixture, "a row can be found by its run and its kind",
                 "[actors][journal_keeper]") {
  const core::run_id run_of_fact{42};
  write({{core::run_progressed{run_of_fact, core::run_state_changed{core::run_state::running}},
          left(1)}});
  run();
  auto reader = journal->read_run(run_of_fact).value();
  const auto row = reader.next().value();
  REQUIRE(row);
  CHECK(row->kind == 3);
  CHECK(row->wall_ns > 0);
  CHECK_FALSE(reader.next().value());
}

TEST_CASE_METHOD(keeper_fixture, "nobody hears of facts that the disk refused",
                 "[actors][journal_keeper]") {
  std::optional<disk_that_takes_nothing> full(std::in_place);
  const auto one = write({{left(1)}});
  run();
  full.reset();
  CHECK_FALSE(failures->empty());
  CHECK(one.heard->empty());
}
