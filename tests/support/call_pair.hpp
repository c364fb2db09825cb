#pragma once

#include "maze/core/call_run.hpp"
#include "maze/core/codec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::test {

/// How a call ended, as its client was told.
struct told {
  core::errc code = core::errc::none;
  std::string payload;
  std::string message;
};

/// A run of calls with its client and lanes, driven by hand. What lanes are sent waits in `sent`.
class call_pair {
public:
  explicit call_pair(const core::call_run::options& settings = {}) : run(settings) {}

  core::call_number call(std::string_view arguments = "a",
                         std::vector<core::call_number> after = {}) {
    std::vector<core::call_dependency> wants;
    for (const auto each : after)
      wants.push_back({each, core::order_only});
    return client.add(1, arguments, wants);
  }
  /// A call whose argument is the result of another.
  core::call_number call_with(core::call_number other) {
    const auto bytes = core::encode(core::value(core::result_of(other))).value();
    return client.add(1, bytes, core::placeholders_in(bytes).value());
  }
  core::call_step submit() { return perform(run.submitted(client.finish()).value().step); }
  core::call_step open(std::uint64_t lane) { return perform(run.lane_opened(core::lane_id{lane})); }

  /// The lane's oldest calls returned `payload`.
  core::call_step complete(std::uint64_t lane, const std::vector<core::call_number>& calls,
                           std::string_view payload = "r", std::uint64_t busy_ns = 1000) {
    core::call_message_writer writer;
    for (const auto each : calls)
      writer.add(each, 0, payload);
    return reply(lane, writer, busy_ns);
  }
  core::call_step fail(std::uint64_t lane, core::call_number call, core::errc code) {
    core::call_message_writer writer;
    writer.add(call, 1, core::to_binary(core::error{.code = code, .message = "bad"}));
    return reply(lane, writer, 1000);
  }
  core::call_step reply(std::uint64_t lane, core::call_message_writer& writer,
                        std::uint64_t busy_ns) {
    std::string message;
    writer.finish(core::call_kind::replies, message, busy_ns);
    return perform(run.replied(core::lane_id{lane}, std::move(message)).value());
  }

  /// Takes note of what a step says, and hands it on.
  core::call_step perform(core::call_step step) {
    run.check_invariants();
    for (const auto& each : step.send)
      core::call_message_view::of(each.bytes)
          ->for_each([&](const core::call_entry& entry, std::string_view arguments) {
            sent[each.lane.value].push_back(static_cast<core::call_number>(entry.number));
            given[static_cast<core::call_number>(entry.number)] = arguments;
          });
    for (const auto& each : step.results)
      core::call_message_view::of(each)->for_each(
          [&](const core::call_entry& entry, std::string_view payload) {
            told one{.payload = std::string(payload)};
            if (entry.word == 1) {
              const auto reason = core::from_binary<core::error>(payload, "error").value();
              one.code = reason.code;
              one.message = reason.message;
            }
            ends[static_cast<core::call_number>(entry.number)] = one;
          });
    return step;
  }
  /// What a lane was sent since the last time.
  std::vector<core::call_number> take(std::uint64_t lane) { return std::exchange(sent[lane], {}); }

  core::call_run run;
  core::call_batch_writer client;
  std::map<std::uint64_t, std::vector<core::call_number>> sent;
  std::map<core::call_number, std::string> given;
  std::map<core::call_number, told> ends;
};

} // namespace maze::test
