// How many facts a second does the journal make durable in batches of 1, 100 and 1000, beside a bare
// write(2) and fdatasync(2) of the same bytes on the same disk? One JSON object a line.
//
// Usage: journal_bench [FOLDER] (default: the system's temporary folder)

#include "../support/scratch_dir.hpp"
#include "maze/io/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <string>
#include <unistd.h>
#include <vector>

using namespace maze;

namespace {

using bench_clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "journal_bench: {}\n", why);
  std::exit(1);
}

/// Calls of `commit_batch` a second, times `batch`: the median of three intervals of 0.5 s each.
double facts_per_second(std::size_t batch, const std::function<void()>& commit_batch) {
  std::vector<double> rates;
  for (int round = 0; round < 3; ++round) {
    const auto begin = bench_clock::now();
    std::size_t facts = 0;
    std::chrono::duration<double> took{};
    while ((took = bench_clock::now() - begin).count() < 0.5) {
      commit_batch();
      facts += batch;
    }
    rates.push_back(static_cast<double>(facts) / took.count());
  }
  std::sort(rates.begin(), rates.end());
  return rates[1];
}

/// 150 bytes: a completed task with a small output, as encoded.
std::vector<io::journal_row> facts(std::size_t count) {
  return std::vector<io::journal_row>(
      count, {.run = {7}, .kind = 2, .wall_ns = 1, .body = std::string(150, 'x')});
}

double journal_rate(const std::filesystem::path& folder, std::size_t batch) {
  auto sut = io::journal::open(folder / fmt::format("{}.db", batch));
  if (!sut)
    die(sut.error().message);
  const auto rows = facts(batch);
  return facts_per_second(batch, [&] {
    if (!sut->append(rows) || !sut->commit())
      die("the journal refused a batch");
    sut->tend();
  });
}

double floor_rate(const std::filesystem::path& folder, std::size_t batch) {
  const auto file = folder / fmt::format("{}.raw", batch);
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    die("cannot create " + file.string());
  const std::string bytes(batch * 150, 'x');
  const auto rate = facts_per_second(batch, [&] {
    if (::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())
        || ::fdatasync(fd) != 0)
      die("write or fdatasync failed");
  });
  ::close(fd);
  return rate;
}

void print(const std::string& name, double value, const std::string& peer, double peer_value) {
  fmt::print("{{\"name\":\"{}\",\"value\":{:.0f},\"unit\":\"facts/s\",\"peer\":\"{}\","
             "\"peer_value\":{:.0f},\"ratio\":{:.3f}}}\n",
             name, value, peer, peer_value, value / peer_value);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && ::setenv("TMPDIR", argv[1], 1) != 0)
    die("setenv failed");
  const test::scratch_dir dir;
  for (const std::size_t batch : {1u, 100u, 1000u}) {
    const auto floor = floor_rate(dir.path(), batch);
    print(fmt::format("journal_durable_batch_{}", batch), journal_rate(dir.path(), batch),
          "write+fdatasync", floor);
  }
}
