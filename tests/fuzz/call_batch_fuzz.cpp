// Bytes that claim to be a frame of calls are refused, or are what a writer makes of what they say; a run
// takes them and lives through them.
#include "maze/core/call_run.hpp"
#include "maze/core/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace maze::core;

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

std::string written_again(std::string_view frame, const call_batch_view& view) {
  call_batch_writer writer(view.first());
  std::size_t at = view.arguments_at();
  std::uint32_t dependency = 0;
  for (std::uint32_t i = 0; i < view.size(); ++i) {
    const auto each = view.entry(i);
    std::vector<call_dependency> wants;
    for (std::uint32_t k = 0; k < each.dependencies; ++k)
      wants.push_back(view.dependency(dependency++));
    writer.add(each.function, frame.substr(at, each.size), wants);
    at += each.size;
  }
  return writer.finish();
}

/// Runs all calls: those with an odd number fail.
void run_through(std::string_view frame) {
  call_run run({});
  if (!run.submitted(std::string(frame)))
    return;
  auto step = run.lane_opened(lane_id{1});
  while (!step.send.empty()) {
    const auto calls = call_message_view::of(step.send.front().bytes);
    require(calls.has_value());
    call_message_writer writer;
    calls->for_each([&](const call_entry& each, std::string_view) {
      const bool fails = each.number % 2 != 0;
      writer.add(each.number, fails ? 1 : 0,
                 fails ? to_binary(error{.code = errc::user_exception}) : std::string(1, '\0'));
    });
    std::string replies;
    writer.finish(call_kind::replies, replies);
    auto next = run.replied(lane_id{1}, std::move(replies));
    require(next.has_value());
    step.send.erase(step.send.begin());
    for (auto& each : next->send)
      step.send.push_back(std::move(each));
    run.check_invariants();
  }
  const bool over = run.close().over;
  require(over && run.is_over());
  require(run.results_read(run.unread_bytes()).has_value());
  require(run.kept_bytes() == 0);
}

} // namespace

/// Source: the libFuzzer manual, "Fuzz target".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  if (const auto wants = placeholders_in(frame); decode(frame))
    require(wants.has_value());
  const auto view = call_batch_view::of(frame);
  if (!view)
    return 0;
  require(written_again(frame, *view) == frame);
  if (view->size() <= 5000)
    run_through(frame);
  return 0;
}
