// How many items a second go through a link, one way, with acknowledgements coming back? Beside it the
// floor: copying the same bytes twice. One JSON object a line.

#include "maze/core/link.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

using namespace maze;

namespace {

using bench_clock = std::chrono::steady_clock;

constexpr std::size_t item_count = 2'000'000;

void print(const std::string& name, double value, const std::string& unit) {
  fmt::print("{{\"name\":\"{}\",\"value\":{:.4g},\"unit\":\"{}\"}}\n", name, value, unit);
}

double seconds_since(bench_clock::time_point begin) {
  return std::chrono::duration<double>(bench_clock::now() - begin).count();
}

/// Sends `item_count` items, `together` before each flush, and takes them out at the other end.
double items_a_second(std::size_t size, std::size_t together) {
  const core::session_id session{1};
  core::link from(session, {}, {});
  core::link to(session, {}, {});
  core::instant now{1};
  for (auto& frame : from.connected(now).frames)
    static_cast<void>(to.received(std::move(frame), now));
  static_cast<void>(to.connected(now));
  const std::string item(size, 'x');
  std::size_t seen = 0;
  const auto begin = bench_clock::now();
  const auto deliver = [&](core::link_step step) {
    for (auto& frame : step.frames) {
      auto heard = to.received(std::move(frame), now);
      for (const auto& batch : heard.delivered)
        core::for_each_item(batch, [&](std::string_view each) { seen += each.size() == size; });
      for (auto& answer : heard.frames)
        static_cast<void>(from.received(std::move(answer), now));
    }
  };
  for (std::size_t sent = 0; sent < item_count; sent += together) {
    for (std::size_t i = 0; i < together; ++i)
      static_cast<void>(from.send(item));
    now += std::chrono::microseconds(1);
    deliver(from.flush(now));
  }
  for (int i = 0; i < 100 && seen < item_count; ++i) {
    now += std::chrono::milliseconds(20);
    for (auto& answer : to.time_passed(now).frames)
      static_cast<void>(from.received(std::move(answer), now));
    deliver(from.flush(now));
  }
  if (seen < item_count)
    fmt::print(stderr, "only {} of {} items arrived\n", seen, item_count);
  return static_cast<double>(seen) / seconds_since(begin);
}

double copies_a_second(std::size_t size) {
  const std::string item(size, 'x');
  std::vector<char> batch(1 << 20);
  std::vector<char> frame(1 << 20);
  const auto room = batch.size() / (size + 1);
  const auto begin = bench_clock::now();
  std::size_t done = 0;
  while (done < item_count) {
    for (std::size_t i = 0; i < room; ++i)
      std::memcpy(batch.data() + i * (size + 1), item.data(), size);
    std::memcpy(frame.data(), batch.data(), batch.size());
    done += room;
  }
  return static_cast<double>(done) / seconds_since(begin);
}

} // namespace

int main() {
  for (const std::size_t size : {100U, 1000U}) {
    print(fmt::format("link.copies_only.{}B", size), copies_a_second(size), "items/s");
    for (const std::size_t together : {1U, 100U, 10'000U})
      print(fmt::format("link.{}B.{}_a_flush", size, together), items_a_second(size, together),
            "items/s");
  }
  return 0;
}
