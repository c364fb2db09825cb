#pragma once

#include "maze/actors/node_agent.hpp"
#include "support/builders.hpp"
#include "support/fake_actors.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace maze::test {

using namespace actors;

/// A node agent of two cores and three GPUs, whose workers only take notes.
struct agent_fixture : test::actor_fixture {
  agent_fixture() { registry->bundles[run_of_all] = test::bundle_of(run_of_all, test::diamond()); }

  void offer(const std::vector<std::uint64_t>& attempts, std::uint32_t cores = 1,
             std::uint32_t gpus = 0) {
    run_attempts msg;
    for (const std::uint64_t counter : attempts)
      msg.orders.push_back({{.run = run_of_all,
                             .task = core::task_id{0},
                             .attempt = test::attempt(counter),
                             .needs = {.cpu_millis = cores * 1000, .memory = {}, .gpus = gpus}},
                            context.actor});
    tell(sut, std::move(msg));
  }
  void stop(std::uint64_t counter) { tell(sut, stop_attempts{{test::attempt(counter)}}); }
  void free(std::uint64_t slot, std::uint64_t counter) {
    tell(sut, slot_free{core::slot_id{slot}, test::attempt(counter)});
  }
  /// The worker of the slot gives a lined-up attempt back.
  void give_back(std::uint64_t slot, std::uint64_t counter) {
    for (const auto& run : (*workers)[slot]->runs)
      if (run.order.attempt == test::attempt(counter))
        return tell(sut, attempt_returned{core::slot_id{slot}, run.order});
    FAIL("the worker does not have attempt " << counter);
  }
  /// Attempts that workers were told to run, in order.
  std::vector<core::attempt_id> started() const {
    std::vector<core::attempt_id> out;
    for (const auto& worker : *workers)
      for (const auto& run : worker->runs)
        out.push_back(run.order.attempt);
    return out;
  }
  static std::vector<core::attempt_id> list(const std::vector<std::uint64_t>& counters) {
    std::vector<core::attempt_id> out;
    for (const std::uint64_t counter : counters)
      out.push_back(test::attempt(counter));
    return out;
  }

  core::run_id run_of_all{7};
  test::scratch_dir folder;
  test::recording_scheduler scheduler = test::spawn_scheduler(*this);
  test::memory_registry registry = test::spawn_registry(*this);
  test::recording_context context = test::spawn_context(*this);
  std::shared_ptr<std::vector<test::recording_worker>> workers =
      std::make_shared<std::vector<test::recording_worker>>();
  local_agent_actor sut =
      spawn(node_agent,
            node_agent_setup{
                .slots = {.total = {.cpu_millis = 2000, .memory = {}, .gpus = 3}, .waiting_max = 2},
                .scheduler = scheduler.actor,
                .registry = registry.actor,
                .spawn_worker =
                    [this](core::slot_id, const local_agent_actor&) {
                      workers->push_back(test::spawn_worker(*this));
                      return workers->back().actor;
                    },
                .blobs = io::blob_store::open(folder / "store", {.durable = false}).value(),
                .runs_root = folder / "runs"});
};

} // namespace maze::test
