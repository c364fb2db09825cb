#pragma once

#include "maze/actors/reactor.hpp"
#include "maze/actors/type_ids.hpp"
#include "maze/actors/worker.hpp"
#include "support/builders.hpp"
#include "support/scratch_dir.hpp"
#include "support/tree.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace maze::test {

/// What a worker said of one attempt, until its slot was free.
struct told_attempt {
  std::vector<core::phase> phases;
  std::optional<actors::publish_attempt> published;
  std::optional<actors::attempt_lost> lost;
  std::optional<actors::slot_free> free;
};

/// A worker with real children; the test itself is its agent and its DAGContext.
struct worker_fixture {
  worker_fixture() {
    actors::add_message_types(config);
    launcher = sandbox::launcher::start(events.context(), {.executable = MAZE_BIN_DIR "/maze-init"})
                   .value();
    auto log = std::shared_ptr<io::log>(io::log::open({.file = folder / "node.log"}).value());
    services = std::make_shared<const actors::worker_services>(actors::worker_services{
        .launcher = launcher,
        .log = std::move(log),
        .environment = {.gpus = {.ids = {"3", "5"}, .told = true}},
        .first_user = std::nullopt,
        .offers = {.permissions = core::permission_set::all()},
        .stop_grace = std::chrono::milliseconds(100),
        .filter = {io::default_ignores()},
        .stopping = stopping.get_token(),
        .runs_root = {},
        .programs = actors::host_programs::beside(MAZE_BIN_DIR "/maze-init")});
  }
  ~worker_fixture() {
    if (sut)
      caf::anon_send_exit(sut, caf::exit_reason::user_shutdown);
  }

  void start(core::task_spec spec, core::context_map context = {}, core::file_map base = {},
             core::library_refs libraries = {}) {
    system.emplace(config);
    self.emplace(*system);
    const caf::actor me{*self};
    sut = system->spawn<caf::detached>(
        actors::worker,
        actors::worker_setup{core::slot_id{3}, caf::actor_cast<actors::local_agent_actor>(me),
                             services});
    auto bundle = std::make_shared<actors::run_bundle>(
        *bundle_of(core::run_id{7}, {std::move(spec), shell("before")}));
    bundle->context = std::move(context);
    bundle->files = std::move(base);
    bundle->libraries = std::move(libraries);
    files = std::make_shared<actors::run_files>(
        std::move(bundle), blobs,
        actors::run_files::options{.root = folder / "run",
                                   .overlay = overlays && launcher->can().overlay});
  }
  void order(std::uint64_t counter = 1, std::map<std::string, std::string> outputs = {},
             std::vector<std::uint32_t> gpus = {}, core::manifest_delta published = {}) {
    caf::anon_send(
        sut, actors::run_attempt{{{.run = core::run_id{7},
                                   .task = core::task_id{0},
                                   .attempt = attempt(counter),
                                   .files = std::move(published),
                                   .outputs = std::move(outputs)},
                                  caf::actor_cast<actors::dag_context_actor>(caf::actor{*self}),
                                  std::chrono::steady_clock::now() - std::chrono::seconds(100),
                                  std::chrono::seconds(90)},
                                 files,
                                 std::move(gpus)});
  }
  told_attempt wait() {
    told_attempt out;
    while (!out.free || !(out.published || out.lost))
      (*self)->receive([&](const actors::attempt_entered& msg) { out.phases.push_back(msg.at); },
                       [&](const actors::publish_attempt& msg) { out.published = msg; },
                       [&](const actors::attempt_lost& msg) { out.lost = msg; },
                       [&](const actors::slot_free& msg) { out.free = msg; },
                       caf::after(std::chrono::seconds(60)) >>
                           [] { FAIL("the worker is silent"); });
    return out;
  }
  /// Waits until the attempt is in `at`.
  void wait_for(core::phase at) {
    for (bool there = false; !there;)
      (*self)->receive([&](const actors::attempt_entered& msg) { there = msg.at == at; },
                       caf::after(std::chrono::seconds(60)) >>
                           [] { FAIL("the worker is silent"); });
  }
  std::string log_of(const char* stream) { return read_file(files->logs() / stream); }

  /// Whether views are overlays, where the machine has them.
  bool overlays = true;
  scratch_dir folder;
  actors::reactor events;
  std::shared_ptr<sandbox::launcher> launcher;
  std::stop_source stopping;
  std::shared_ptr<const actors::worker_services> services;
  std::shared_ptr<io::blob_store> blobs =
      io::blob_store::open(folder / "store", {.durable = false}).value();
  std::shared_ptr<actors::run_files> files;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::optional<caf::scoped_actor> self;
  actors::worker_actor sut;
};

/// What its command printed.
inline std::string stdout_of(const told_attempt& seen) {
  if (seen.lost)
    FAIL(core::describe(seen.lost->reason));
  REQUIRE(seen.published);
  const core::value output = core::decode(seen.published->output).value();
  return *output.as<core::dict>()->at("run").as<core::dict>()->at("stdout").as<std::string>();
}

} // namespace maze::test
