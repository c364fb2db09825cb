// What does the master's decision about a call cost? Frames of 512 calls come in, messages of replies to at
// most 128 go back, the client reads at once. Beside it the floor: copying the same bytes. One JSON object a
// line.

#include "maze/core/call_run.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <malloc.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace maze;

namespace {

using bench_clock = std::chrono::steady_clock;

constexpr std::uint32_t frame_calls = 512;
constexpr std::size_t reply_calls = 128;

void print(const std::string& name, double value, const std::string& unit, double floor = 0) {
  fmt::print("{{\"name\":\"{}\",\"value\":{:.4g},\"unit\":\"{}\"", name, value, unit);
  if (floor > 0)
    fmt::print(",\"peer\":\"copy\",\"peer_value\":{:.4g}", floor);
  fmt::print("}}\n");
}

/// The nodes: each message of calls is answered by replies with the same result, made outside the clock.
class lanes {
public:
  void take(std::vector<core::lane_message>& sent) {
    for (auto& each : sent)
      inbox_.push_back(std::move(each));
  }
  [[nodiscard]] bool idle() const { return inbox_.empty(); }
  /// The answers to the oldest message.
  std::vector<std::string> answer(core::lane_id& from) {
    const auto message = std::move(inbox_.front());
    inbox_.pop_front();
    from = message.lane;
    const auto calls = core::call_message_view::of(message.bytes);
    std::vector<std::string> out;
    core::call_message_writer writer;
    calls->for_each([&](const core::call_entry& each, std::string_view) {
      writer.add(each.number, 0, std::string_view("\x03\x54"));
      if (writer.count() < reply_calls)
        return;
      writer.finish(core::call_kind::replies, out.emplace_back(), reply_calls * 100);
    });
    if (const auto rest = writer.count(); rest > 0)
      writer.finish(core::call_kind::replies, out.emplace_back(), rest * 100);
    return out;
  }

private:
  std::deque<core::lane_message> inbox_;
};

struct measured {
  double ns_a_call = 0;
  std::size_t completed = 0;
};

/// Hands in all `frames` at once, or as the run takes them, and answers until nothing is out.
measured live(std::vector<std::string> frames, std::size_t calls, std::uint64_t pending_max) {
  core::call_run run({.pending_max = pending_max});
  lanes nodes;
  bench_clock::duration spent{};
  const auto timed = [&](auto&& what) {
    const auto begin = bench_clock::now();
    auto step = what();
    std::uint64_t bytes = 0;
    for (const auto& each : step.results)
      bytes += each.size();
    if (bytes > 0) {
      auto more = run.results_read(bytes).value();
      for (auto& each : more.send)
        step.send.push_back(std::move(each));
    }
    spent += bench_clock::now() - begin;
    nodes.take(step.send);
  };
  for (const std::uint64_t name : {1U, 2U})
    timed([&] { return run.lane_opened(core::lane_id{name}); });
  for (auto& each : frames)
    timed([&] { return run.submitted(std::move(each)).value().step; });
  while (!nodes.idle()) {
    core::lane_id from;
    for (auto& each : nodes.answer(from))
      timed([&] { return run.replied(from, std::move(each)).value(); });
  }
  return {std::chrono::duration<double, std::nano>(spent).count() / static_cast<double>(calls),
          run.counts()[static_cast<std::size_t>(core::call_state::completed)]};
}

std::vector<std::string> independent(std::size_t calls, std::size_t size) {
  const std::string arguments(size, 'x');
  std::vector<std::string> out;
  core::call_batch_writer writer;
  for (std::size_t i = 0; i < calls; ++i) {
    writer.add(1, arguments);
    if (writer.count() == frame_calls)
      out.push_back(writer.finish());
  }
  if (!writer.empty())
    out.push_back(writer.finish());
  return out;
}

/// `layers` times `width` calls, each of which wants three results of the layer before.
std::vector<std::string> layered(std::uint32_t layers, std::uint32_t width) {
  std::vector<std::string> out;
  core::call_batch_writer writer;
  for (std::uint32_t layer = 0; layer < layers; ++layer)
    for (std::uint32_t i = 0; i < width; ++i) {
      core::list arguments;
      for (std::uint32_t k = 0; layer > 0 && k < 3; ++k)
        arguments.emplace_back(core::result_of((layer - 1) * width + (i + k) % width));
      const auto bytes = core::encode(core::value(std::move(arguments))).value();
      writer.add(1, bytes, core::placeholders_in(bytes).value());
      if (writer.count() == frame_calls)
        out.push_back(writer.finish());
    }
  if (!writer.empty())
    out.push_back(writer.finish());
  return out;
}

/// Nanoseconds a call to copy the frames once into fresh memory.
double copies(const std::vector<std::string>& frames, std::size_t calls) {
  std::vector<std::string> kept;
  const auto begin = bench_clock::now();
  for (const auto& each : frames)
    kept.push_back(each);
  return std::chrono::duration<double, std::nano>(bench_clock::now() - begin).count()
         / static_cast<double>(calls);
}

std::size_t allocated() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

/// Bytes a call that waits costs beside its arguments.
double memory_of_pending(std::size_t calls, std::size_t size) {
  auto frames = independent(calls, size);
  const auto own = static_cast<std::size_t>(core::batch_entry_size) * calls;
  const auto before = allocated();
  core::call_run run({.pending_max = calls});
  for (auto& each : frames)
    static_cast<void>(run.submitted(std::move(each)));
  // The frames were there before: their tables belong to the run now.
  return static_cast<double>(allocated() - before + own) / static_cast<double>(calls);
}

} // namespace

int main() {
  const char* const chosen = std::getenv("MAZE_BENCH_SIZE");
  const std::size_t calls = std::string_view(chosen ? chosen : "") == "quick" ? 100'000 : 1'000'000;
  print("calls.pending.100B", memory_of_pending(calls, 100), "bytes");
  for (const std::size_t size : {20U, 100U}) {
    const auto frames = independent(calls, size);
    const auto floor = copies(frames, calls);
    const auto done = live(frames, calls, calls);
    if (done.completed != calls)
      fmt::print(stderr, "only {} of {} calls completed\n", done.completed, calls);
    print(fmt::format("calls.independent.{}B", size), done.ns_a_call, "ns", floor);
  }
  const auto frames = layered(100, 100);
  const auto floor = copies(frames, 10'000);
  const auto done = live(frames, 10'000, 10'000);
  if (done.completed != 10'000)
    fmt::print(stderr, "only {} of 10000 layered calls completed\n", done.completed);
  print("calls.layered", done.ns_a_call, "ns", floor);
  return 0;
}
