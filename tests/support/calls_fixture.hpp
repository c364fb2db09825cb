#pragma once

#include "maze/actors/api/call_stream.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/value.hpp"
#include "support/local_cluster.hpp"

#include <caf/scoped_actor.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace maze::test {

/// A node in this process that takes calls, and what a client needs for them.
class calls_fixture {
public:
  explicit calls_fixture(std::uint32_t cores = 2, const local_cluster::change& adjust = {})
      : nodes(cores, [&adjust](actors::node_settings& settings) {
          settings.serves = actors::node_settings::clients{"test", "0", [] {}};
          if (adjust)
            adjust(settings);
        }) {}

  /// Functions of one of the libraries of tests/support/libraries.
  static core::call_plan functions_of(const std::string& library,
                                      const std::vector<std::string>& names) {
    core::call_plan out;
    for (const std::string& name : names)
      out.functions.push_back({name, core::function_action{library, name}});
    return out;
  }
  static core::call_plan python(const std::string& code) {
    core::call_plan out;
    out.functions.push_back({"f", core::python_action{core::python_source::code, code, "f"}});
    return out;
  }

  actors::run_handle start(core::call_plan plan) {
    actors::submission work;
    work.client_id = "calls-" + std::to_string(++runs_);
    work.name = "calls";
    work.tasks = std::make_shared<const core::graph>(core::graph::build({}).value());
    for (const core::call_function& each : plan.functions)
      if (const auto* own = std::get_if<core::function_action>(&each.action)) {
        const auto blob = nodes.node().blobs().put_bytes(
            local_cluster::read(MAZE_BIN_DIR "/../lib/libtask_" + own->library + ".so"));
        REQUIRE(blob);
        work.libraries[own->library] = {blob->hash, blob->size};
      }
    work.calls = std::make_shared<const core::call_plan>(std::move(plan));
    return nodes.start(std::move(work));
  }

  std::unique_ptr<actors::call_stream> open(const actors::run_handle& run,
                                            actors::call_stream::options settings = {}) {
    actors::call_service service;
    caf::scoped_actor self{nodes.node().system()};
    self->request(run.context, std::chrono::seconds(30), actors::ask_calls{})
        .receive([&](const actors::call_service& told) { service = told; },
                 [](const caf::error& failed) { FAIL(core::describe(actors::from_caf(failed))); });
    auto out = actors::call_stream::open(nodes.node().system(), service.hub, settings);
    if (!out)
      FAIL(core::describe(out.error()));
    return std::move(*out);
  }
  std::unique_ptr<actors::call_stream> open(core::call_plan plan) {
    return open(start(std::move(plan)));
  }

  /// How a call ended.
  using ending = core::result<core::value>;

  /// Ends of `count` calls.
  static std::map<core::call_number, ending> take(actors::call_stream& calls, std::size_t count) {
    std::map<core::call_number, ending> out;
    while (out.size() < count) {
      const auto results = calls.next(std::chrono::seconds(60));
      if (!results)
        FAIL(core::describe(results.error()));
      if (results->message.empty())
        FAIL("only " << out.size() << " of " << count << " calls ended");
      results->for_each([&](core::call_number call, bool returned, std::string_view payload) {
        const bool first =
            out.emplace(call, returned
                                  ? ending(core::decode(payload).value())
                                  : ending(core::fail(
                                      core::from_binary<core::error>(payload, "error").value())))
                .second;
        CHECK(first);
      });
    }
    return out;
  }
  /// One call, whatever else there is.
  static ending call(actors::call_stream& calls, std::uint32_t function, core::list arguments) {
    const auto number = calls.call(function, core::encode(std::move(arguments)).value()).value();
    REQUIRE(calls.flush());
    return take(calls, 1).at(number);
  }

  local_cluster nodes;

private:
  int runs_ = 0;
};

} // namespace maze::test
