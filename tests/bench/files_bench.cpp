// What do snapshots, views and their collection cost a file, next to reading alone and to cp?
// Prints one JSON object a line. Runs in the folder given as argument, default /dev/shm.
#include "maze/io/folders.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/snapshot.hpp"
#include "maze/io/view_store.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <unistd.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

constexpr int file_count = 10000;
constexpr std::size_t file_size = 4096;

double microseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
      .count();
}

struct peer {
  const char* name = "";
  double value = 0;
};

void report(const char* name, double value, const char* unit, peer other = {}) {
  fmt::print("{{\"name\": \"{}\", \"value\": {:.2f}, \"unit\": \"{}\"", name, value, unit);
  if (other.value > 0)
    fmt::print(", \"peer\": \"{}\", \"peer_value\": {:.2f}, \"ratio\": {:.2f}", other.name,
               other.value, value / other.value);
  fmt::print("}}\n");
}

void require(bool holds, const char* what) {
  if (holds)
    return;
  fmt::print(stderr, "files_bench: {} failed\n", what);
  std::exit(1);
}

void make_project(const fs::path& folder) {
  std::string content(file_size, 'x');
  for (int i = 0; i < file_count; ++i) {
    const auto sub = folder / fmt::format("d{:02}", i % 100);
    if (i < 100)
      fs::create_directories(sub);
    content.replace(0, 12, fmt::format("{:012}", i));
    std::ofstream(sub / fmt::format("f{}", i)) << content;
  }
}

/// The floor: every byte has to be read and hashed by whoever wants its hash.
double read_and_hash(const fs::path& folder) {
  return microseconds([&] {
    std::string buffer(file_size + 1, 0);
    for (int i = 0; i < file_count; ++i) {
      const auto path = folder / fmt::format("d{:02}/f{}", i % 100, i);
      const io::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      const auto got = ::read(fd.get(), buffer.data(), buffer.size());
      require(got == static_cast<ssize_t>(file_size), "read");
      require(io::hash_bytes({buffer.data(), file_size}) != core::digest{}, "hash");
    }
  });
}

double shell(const std::string& command) {
  return microseconds([&] { require(std::system(command.c_str()) == 0, command.c_str()); });
}

void change_files(const io::view& seen, int count) {
  for (int i = 0; i < count; ++i) {
    const auto sub = seen.upper / fmt::format("d{:02}", i);
    fs::create_directories(sub);
    std::ofstream(sub / fmt::format("f{}", i)) << "changed " << i;
  }
}

void measure_views(io::view_store& views, const core::file_map& files, double copy_time) {
  io::view first;
  const auto built = microseconds([&] {
    require(views.set_base(files).has_value(), "set_base");
    first = views.make("first", {}, std::nullopt).value();
  });
  report("view: first of a 10,000-file base", built / 1000, "ms", {"cp -a", copy_time / 1000});
  io::view second;
  const auto further =
      microseconds([&] { second = views.make("second", {}, std::nullopt).value(); });
  report("view: a further one", further, "us", {"cp -a", copy_time});
  change_files(second, 100);
  const auto collected = microseconds([&] {
    const auto found = views.collect(second, {.ignore = io::default_ignores()});
    require(found && found->delta.written.size() >= 100, "collect");
  });
  report("collect: 100 changed files of 10,000", collected, "us");
  require(views.remove(first) && views.remove(second), "remove");
}

void measure_empty_views(io::view_store& views) {
  constexpr int rounds = 5000;
  require(views.set_base({}).has_value(), "set_base");
  const auto took = microseconds([&] {
    for (int i = 0; i < rounds; ++i) {
      const auto view = views.make("e", {}, std::nullopt).value();
      require(views.collect(view, {.ignore = io::default_ignores()}).has_value(), "collect");
      require(views.remove(view).has_value(), "remove");
    }
  });
  report("empty view: make, collect, remove", took / rounds, "us");
}

} // namespace

int main(int argc, char** argv) {
  auto name = fmt::format("{}/maze-bench-XXXXXX", argc > 1 ? argv[1] : "/dev/shm");
  require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  const fs::path dir = name;
  make_project(dir / "project");
  auto store = io::blob_store::open(dir / "store", {.durable = false}).value();
  const std::vector<core::file_source> sources{{.from = "project", .match = "**"}};
  (void)read_and_hash(dir / "project");
  const auto floor = read_and_hash(dir / "project") / file_count;
  const auto copy = shell("cp -a '" + name + "/project' '" + name + "/copy'");
  core::file_map files;
  const auto fresh =
      microseconds([&] { files = io::take_snapshot(sources, dir, *store).value().files; });
  report("snapshot: 10,000 new files of 4 KiB", fresh / file_count, "us/file",
         {"cp -a", copy / file_count});
  const auto again =
      microseconds([&] { files = io::take_snapshot(sources, dir, *store).value().files; });
  report("snapshot: the same files, stored before", again / file_count, "us/file",
         {"open, read, XXH3-128", floor});
  if (std::system("command -v rsync > /dev/null 2>&1") == 0)
    report("rsync -a", shell("rsync -a '" + name + "/project' '" + name + "/rsync'") / file_count,
           "us/file");
  {
    io::view_store views(store, {.root = dir / "run"});
    measure_views(views, files, copy);
    measure_empty_views(views);
  }
  require(io::remove_tree(AT_FDCWD, name).has_value(), "remove");
}
