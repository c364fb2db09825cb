// The client of a gearmand on this machine, by libgearman.
//
//   gearman_client PORT SHAPE N
//
// SHAPE: independent (1,000 at a time, each result comes back), lone (one after the other), or held
// (N jobs for a function that no worker knows: they stay in the server). Prints {"wall_s"}, for lone
// also {"p50_us", "p99_us"}.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <libgearman/gearman.h>
#include <string_view>
#include <vector>

namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

std::size_t finished = 0;

gearman_return_t count(gearman_task_st*) {
  ++finished;
  return GEARMAN_SUCCESS;
}

void need(gearman_client_st* client, gearman_return_t result) {
  if (gearman_success(result))
    return;
  std::fprintf(stderr, "gearman_client: %s\n", gearman_client_error(client));
  std::exit(1);
}

std::size_t number(std::string_view text) {
  std::size_t x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size() || x == 0) {
    std::fprintf(stderr, "gearman_client: `%s` is not a number from 1\n", text.data());
    std::exit(2);
  }
  return x;
}

void run_independent(gearman_client_st* client, std::size_t tasks) {
  constexpr std::size_t batch = 1000;
  gearman_client_set_complete_fn(client, count);
  for (std::size_t i = 0; i < tasks; i += batch) {
    for (std::size_t j = i; j < std::min(i + batch, tasks); ++j) {
      gearman_return_t result = GEARMAN_SUCCESS;
      gearman_client_add_task(client, nullptr, nullptr, "noop", nullptr, "x", 1, &result);
      need(client, result);
    }
    need(client, gearman_client_run_tasks(client));
    gearman_client_task_free_all(client);
  }
  if (finished != tasks) {
    std::fprintf(stderr, "gearman_client: %zu results instead of %zu\n", finished, tasks);
    std::exit(1);
  }
}

std::vector<double> run_lone(gearman_client_st* client, std::size_t tasks) {
  std::vector<double> took;
  for (std::size_t i = 0; i < tasks; ++i) {
    const auto began = steady_clock::now();
    std::size_t size = 0;
    gearman_return_t result = GEARMAN_SUCCESS;
    std::free(gearman_client_do(client, "noop", nullptr, "x", 1, &size, &result));
    need(client, result);
    took.push_back(duration<double, std::micro>(steady_clock::now() - began).count());
  }
  std::sort(took.begin(), took.end());
  return took;
}

void hold(gearman_client_st* client, std::size_t tasks) {
  gearman_job_handle_t handle;
  for (std::size_t i = 0; i < tasks; ++i)
    need(client, gearman_client_do_background(client, "held", nullptr, "x", 1, handle));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: gearman_client PORT independent|lone|held N\n", stderr);
    return 2;
  }
  const std::string_view shape = argv[2];
  const auto tasks = number(argv[3]);
  auto* client = gearman_client_create(nullptr);
  need(client,
       gearman_client_add_server(client, "127.0.0.1", static_cast<in_port_t>(number(argv[1]))));
  std::vector<double> lone;
  const auto began = steady_clock::now();
  if (shape == "independent")
    run_independent(client, tasks);
  else if (shape == "lone")
    lone = run_lone(client, tasks);
  else
    hold(client, tasks);
  const duration<double> wall = steady_clock::now() - began;
  std::printf("{\"wall_s\": %.6f", wall.count());
  if (!lone.empty())
    std::printf(", \"p50_us\": %.3f, \"p99_us\": %.3f", lone[lone.size() / 2],
                lone[lone.size() * 99 / 100]);
  std::puts("}");
  gearman_client_free(client);
}
