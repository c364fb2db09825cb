// maze's side of calls_bench.py: which lines it prints is described there.
#include "maze/core/value.hpp"
#include "support/calls_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>

namespace {

using namespace maze;
using clock_type = std::chrono::steady_clock;

struct sizes {
  std::vector<std::uint32_t> independent;
  std::uint32_t lone, chain, layers, python, memory, forked;
};

sizes chosen() {
  const char* text = std::getenv("MAZE_BENCH_SIZE");
  const std::string size = text != nullptr ? text : "normal";
  // The nodes that are started from here would take these two for misspelt settings.
  ::unsetenv("MAZE_BENCH_SIZE");
  if (size == "quick")
    return {{10'000}, 300, 300, 20, 2'000, 100'000, 300};
  if (size == "full")
    return {{100'000, 1'000'000}, 3'000, 1'000, 100, 50'000, 1'000'000, 10'000};
  return {{100'000, 1'000'000}, 1'000, 1'000, 100, 20'000, 300'000, 3'000};
}

[[noreturn]] void give_up(const std::string& why) { throw std::runtime_error(why); }

/// The programs and the library of the build that this one belongs to.
test::calls_cluster::options build_of(bool secure, bool own_users = false) {
  static const std::filesystem::path programs = [] {
    const char* given = std::getenv("MAZE_BIN_DIR");
    std::filesystem::path out = given != nullptr
                                    ? std::filesystem::path(given)
                                    : std::filesystem::read_symlink("/proc/self/exe").parent_path();
    ::unsetenv("MAZE_BIN_DIR");
    return out;
  }();
  return {secure, programs, programs.parent_path() / "lib/libbench_calls.so", "bench", own_users};
}

const std::string no_arguments = core::encode(core::list{}).value();

core::call_plan cpp_plan(bool durable) {
  core::call_plan plan;
  plan.functions = {{"nothing", core::function_action{"bench", "nothing"}}};
  plan.sandbox.level = core::sandbox_level::none;
  plan.durable = durable;
  return plan;
}

core::call_plan python_plan() {
  core::call_plan plan = cpp_plan(true);
  plan.functions = {
      {"nothing", core::python_action{core::python_source::code, "def f():\n    pass\n", "f"}}};
  return plan;
}

/// The same calls in a sandbox, and in copies of a child.
core::call_plan at(core::call_plan plan, core::sandbox_level level) {
  plan.sandbox.level = level;
  return plan;
}
core::call_plan forked(core::call_plan plan) {
  plan.child = core::child_use::forked;
  return plan;
}

template <class T>
T must(core::result<T> what) {
  if (!what)
    give_up(core::describe(what.error()));
  if constexpr (!std::is_void_v<T>)
    return std::move(*what);
}

/// Takes results until `count` calls have ended; each must have returned.
void drain(actors::call_stream& calls, std::uint32_t count) {
  while (count > 0) {
    const auto results = must(calls.next(std::chrono::seconds(60)));
    if (results.message.empty())
      give_up(fmt::format("{} results did not come within a minute", count));
    results.for_each([&](core::call_number, bool returned, std::string_view) {
      if (!returned)
        give_up("a call failed");
      --count;
    });
  }
}

/// One call, so that the lane and its child are there.
void warm_up(actors::call_stream& calls, int lanes) {
  for (int i = 0; i < lanes * 64; ++i)
    must(calls.call(0, no_arguments));
  must(calls.flush());
  drain(calls, static_cast<std::uint32_t>(lanes * 64));
}

class measured {
public:
  explicit measured(const test::calls_cluster& of)
      : of_(of), cpu_(of.cpu()), began_(clock_type::now()) {}
  void report(std::string_view shape, std::string_view transport, bool durable,
              std::uint32_t n) const {
    const std::chrono::duration<double, std::micro> wall = clock_type::now() - began_;
    const std::chrono::duration<double, std::micro> cpu = of_.cpu() - cpu_;
    fmt::print("{{\"shape\": \"{}\", \"transport\": \"{}\", \"durable\": {}, \"n\": {}, "
               "\"us_per_task\": {:.3f}, \"cpu_us_per_task\": {:.3f}}}\n",
               shape, transport, durable, n, wall.count() / n, cpu.count() / n);
    std::fflush(stdout);
  }

private:
  const test::calls_cluster& of_;
  std::chrono::nanoseconds cpu_;
  clock_type::time_point began_;
};

void end(actors::call_stream& calls) {
  must(calls.close());
  while (!calls.over())
    must(calls.next(std::chrono::seconds(60)));
}

void independent(test::calls_cluster& nodes, std::string_view transport,
                 const core::call_plan& plan, std::string_view shape, std::uint32_t n) {
  const auto calls = nodes.open(plan);
  warm_up(*calls, 4);
  const measured time(nodes);
  std::thread sender([&] {
    for (std::uint32_t i = 0; i < n; ++i)
      must(calls->call(0, no_arguments));
    must(calls->flush());
  });
  drain(*calls, n);
  sender.join();
  time.report(shape, transport, plan.durable, n);
  end(*calls);
}

void lone(test::calls_cluster& nodes, std::string_view transport, bool durable, std::uint32_t n) {
  const auto calls = nodes.open(cpp_plan(durable));
  warm_up(*calls, 1);
  const auto cpu = nodes.cpu();
  std::vector<double> times;
  for (std::uint32_t i = 0; i < n; ++i) {
    const auto began = clock_type::now();
    must(calls->call(0, no_arguments));
    must(calls->flush());
    drain(*calls, 1);
    times.push_back(std::chrono::duration<double, std::micro>(clock_type::now() - began).count());
  }
  const std::chrono::duration<double, std::micro> spent = nodes.cpu() - cpu;
  std::sort(times.begin(), times.end());
  fmt::print("{{\"shape\": \"lone\", \"transport\": \"{}\", \"durable\": {}, \"n\": {}, "
             "\"p50_us\": {:.1f}, \"p99_us\": {:.1f}, \"cpu_us_per_task\": {:.1f}}}\n",
             transport, durable, n, times[times.size() / 2], times[times.size() * 99 / 100],
             spent.count() / n);
  std::fflush(stdout);
  end(*calls);
}

void chain(test::calls_cluster& nodes, std::string_view transport, std::uint32_t n) {
  const auto calls = nodes.open(cpp_plan(true));
  warm_up(*calls, 1);
  const measured time(nodes);
  core::call_number last = must(calls->call(0, no_arguments));
  for (std::uint32_t i = 1; i < n; ++i)
    last = must(calls->call(0, no_arguments, std::vector<core::call_dependency>{{last}}));
  must(calls->flush());
  drain(*calls, n);
  time.report("chain", transport, true, n);
  end(*calls);
}

void layered(test::calls_cluster& nodes, std::string_view transport, std::uint32_t layers) {
  constexpr std::uint32_t width = 100;
  const auto calls = nodes.open(cpp_plan(true));
  warm_up(*calls, 4);
  std::minstd_rand dice(1);
  const measured time(nodes);
  std::vector<core::call_number> before;
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    std::vector<core::call_number> now;
    for (std::uint32_t i = 0; i < width; ++i) {
      std::vector<core::call_dependency> needs;
      for (std::uint32_t k = 0; k < 3 && !before.empty(); ++k)
        needs.push_back({before[(i + k * (1 + dice() % 33)) % width]});
      std::sort(needs.begin(), needs.end(),
                [](const auto& a, const auto& b) { return a.call < b.call; });
      needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
      now.push_back(must(calls->call(0, no_arguments, needs)));
    }
    before = std::move(now);
  }
  must(calls->flush());
  drain(*calls, layers * width);
  time.report("layered", transport, true, layers * width);
  end(*calls);
}

/// What the master grows by for each call that waits: behind one that does not end, so that none is sent.
void memory(test::calls_cluster& nodes, std::uint32_t n) {
  core::call_plan plan = cpp_plan(true);
  plan.functions = {
      {"slow", core::python_action{core::python_source::code,
                                   "import time\ndef f():\n    time.sleep(3600)\n", "f"}}};
  const auto calls = nodes.open(plan);
  const core::call_number first = must(calls->call(0, no_arguments));
  must(calls->flush());
  while (calls->taken() <= first)
    std::this_thread::yield();
  const std::uint64_t before = nodes.master_memory();
  const std::vector<core::call_dependency> behind{{first}};
  const std::string argument = core::encode(core::list{core::value(std::string(96, 'x'))}).value();
  for (std::uint32_t i = 0; i < n; ++i)
    must(calls->call(0, argument, behind));
  must(calls->flush());
  while (calls->taken() <= first + n)
    std::this_thread::yield();
  const double grown =
      (static_cast<double>(nodes.master_memory()) - static_cast<double>(before)) / n;
  fmt::print("{{\"shape\": \"memory\", \"transport\": \"local\", \"durable\": true, \"n\": {}, "
             "\"bytes_per_task\": {:.0f}}}\n",
             n, grown - static_cast<double>(argument.size()));
  std::fflush(stdout);
}

void all(bool secure, const sizes& of, const std::string& only) {
  test::calls_cluster nodes(build_of(secure));
  const std::string_view transport = secure ? "tls" : "local";
  const auto wanted = [&](std::string_view shape) { return only.empty() || only == shape; };
  for (const std::uint32_t n : of.independent)
    if (wanted("independent"))
      independent(nodes, transport, cpp_plan(true), "independent", n);
  if (wanted("lone")) {
    lone(nodes, transport, false, of.lone);
    lone(nodes, transport, true, of.lone);
  }
  if (wanted("chain"))
    chain(nodes, transport, of.chain);
  if (wanted("layered"))
    layered(nodes, transport, of.layers);
  if (wanted("forked"))
    independent(nodes, transport, forked(cpp_plan(true)), "forked", of.forked);
  if (wanted("python"))
    independent(nodes, transport, python_plan(), "python", of.python);
}

/// Sealed children have users of their own, so their nodes are others.
void all_sealed(bool secure, const sizes& of, const std::string& only) {
  const auto wanted = [&](std::string_view shape) { return only.empty() || only == shape; };
  if (!wanted("sealed") && !wanted("python_forked"))
    return;
  test::calls_cluster nodes(build_of(secure, true));
  const std::string_view transport = secure ? "tls" : "local";
  if (wanted("sealed"))
    independent(nodes, transport, at(cpp_plan(true), core::sandbox_level::seccomp), "sealed",
                of.independent.front());
  if (wanted("python_forked"))
    independent(nodes, transport, forked(at(python_plan(), core::sandbox_level::seccomp)),
                "python_forked", of.forked);
}

} // namespace

/// `maze-calls-bench [SHAPE [local|tls]]`
int main(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "";
  const std::string transport = argc > 2 ? argv[2] : "";
  const sizes of = chosen();
  try {
    if (transport != "tls") {
      all(false, of, only);
      all_sealed(false, of, only);
    }
    if (only.empty() || only == "memory") {
      test::calls_cluster fresh(build_of(false));
      memory(fresh, of.memory);
    }
    if (transport != "local") {
      all(true, of, only);
      all_sealed(true, of, only);
    }
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "maze-calls-bench: %s\n", failed.what());
    return 1;
  }
  return 0;
}
