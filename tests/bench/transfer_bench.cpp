// What does it cost to bring a project's files to another node, next to an rsync daemon?
// Prints one JSON object a line. Runs in the folder given as argument, default /dev/shm.
#include "maze/io/bulk_client.hpp"
#include "maze/io/bulk_server.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/snapshot.hpp"
#include "maze/io/socket_stream.hpp"
#include "maze/io/view_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <random>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

constexpr int file_count = 10000;
constexpr std::size_t file_size = 4096;

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void require(bool holds, const std::string& what) {
  if (holds)
    return;
  fmt::print(stderr, "transfer_bench: {} failed\n", what);
  std::exit(1);
}

void fill_random(std::string& bytes, std::mt19937_64& random) {
  for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    const auto word = random();
    bytes.replace(i, 8, reinterpret_cast<const char*>(&word), 8);
  }
}

void make_project(const fs::path& folder) {
  std::mt19937_64 random(1);
  std::string content(file_size, 'x');
  for (int i = 0; i < file_count; ++i) {
    const auto sub = folder / fmt::format("d{:02}", i % 100);
    fs::create_directories(sub);
    fill_random(content, random);
    std::ofstream(sub / fmt::format("f{}", i)) << content;
  }
}

void make_big(const fs::path& folder, std::uint64_t mebibytes) {
  fs::create_directories(folder);
  std::mt19937_64 random(2);
  std::string content(std::size_t{1} << 20, 'x');
  std::ofstream out(folder / "big");
  for (std::uint64_t i = 0; i < mebibytes; ++i) {
    fill_random(content, random);
    out << content;
  }
}

/// An rsync daemon on a loopback port of its own, for as long as this lives.
class rsync_daemon {
public:
  explicit rsync_daemon(const fs::path& root) {
    if (std::system("command -v rsync > /dev/null 2>&1") != 0)
      return;
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    require(::bind(probe, generic, length) == 0, "bind");
    require(::getsockname(probe, generic, &length) == 0, "getsockname");
    ::close(probe);
    const auto target = root / "rsync";
    fs::create_directories(target);
    const auto settings = (root / "rsyncd.conf").native();
    std::ofstream(settings) << fmt::format(
        "port={}\naddress=127.0.0.1\nuse chroot=no\nuid={}\ngid={}\nlog file=/dev/null\n"
        "[m]\npath={}\nread only=no\n",
        ntohs(address.sin_port), ::getuid(), ::getgid(), target.native());
    url_ = fmt::format("rsync://127.0.0.1:{}/m/", ntohs(address.sin_port));
    const auto option = "--config=" + settings;
    daemon_ = ::vfork();
    if (daemon_ == 0) {
      ::execlp("rsync", "rsync", "--daemon", "--no-detach", option.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 200; ++i) {
      const int probing = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool up = ::connect(probing, generic, length) == 0;
      ::close(probing);
      if (up)
        return;
      ::usleep(20000);
    }
    require(false, "starting the rsync daemon");
  }
  rsync_daemon(const rsync_daemon&) = delete;
  rsync_daemon& operator=(const rsync_daemon&) = delete;
  ~rsync_daemon() {
    if (daemon_ <= 0)
      return;
    ::kill(daemon_, SIGTERM);
    ::waitpid(daemon_, nullptr, 0);
  }

  /// Seconds for one run, or nothing without rsync.
  [[nodiscard]] std::optional<double> run(const fs::path& source, const char* more = "") const {
    if (daemon_ <= 0)
      return std::nullopt;
    const auto command = fmt::format("rsync -a {} '{}/' {}", more, source.native(), url_);
    return seconds([&] { require(std::system(command.c_str()) == 0, command); });
  }

private:
  pid_t daemon_ = -1;
  std::string url_;
};

void report(const char* name, double value, const char* unit, std::optional<double> rsync,
            const std::string& more = "") {
  fmt::print("{{\"name\": \"{}\", \"value\": {:.2f}, \"unit\": \"{}\"{}, \"peers\": "
             "{{\"rsync daemon\": {}{}}}}}\n",
             name, value, unit, more.empty() ? "" : ", \"better\": \"higher\"",
             rsync ? fmt::format("{{\"value\": {:.2f}}}", *rsync)
                   : "{\"missing\": \"rsync is not installed: tools/setup --bench\"}",
             more);
  std::fflush(stdout);
}

/// Two nodes of one machine, connected by a UNIX socket.
struct nodes {
  explicit nodes(const fs::path& root)
      : from(io::blob_store::open(root / "from", {.durable = false}).value()),
        to(io::blob_store::open(root / "to", {.durable = false}).value()),
        server(from, {}, nullptr),
        client(connect(), {}),
        views(to, {.root = root / "views"}) {}

  std::unique_ptr<io::byte_stream> connect() {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    require(server.serve(std::make_unique<io::socket_stream>(io::unique_fd(ends[0])), {}, "bench")
                .has_value(),
            "serve");
    return std::make_unique<io::socket_stream>(io::unique_fd(ends[1]));
  }

  std::shared_ptr<io::blob_store> from;
  std::shared_ptr<io::blob_store> to;
  io::bulk_server server;
  io::bulk_client client;
  io::view_store views;
};

struct steps {
  double snapshot = 0;
  double transfer = 0;
  double view = 0;
  std::uint64_t bytes = 0;

  [[nodiscard]] double sum() const { return snapshot + transfer + view; }
};

/// From the files of `source` at one node to a view of them at the other.
steps sync(nodes& both, const fs::path& source, const char* view_name) {
  steps took;
  const std::vector<core::file_source> sources{{.from = source.filename(), .match = "**"}};
  core::file_map files;
  took.snapshot = seconds(
      [&] { files = io::take_snapshot(sources, source.parent_path(), *both.from).value().files; });
  took.transfer = seconds([&] {
    std::vector<core::blob_id> blobs;
    for (const auto& [path, entry] : files)
      if (entry.kind == core::file_kind::file)
        blobs.push_back({.hash = entry.hash, .size = entry.size});
    const auto moved = both.client.get(blobs, *both.to, {});
    require(moved && moved->failures.empty(), "transfer");
    took.bytes = moved->bytes_moved;
  });
  took.view = seconds([&] {
    require(both.views.set_base(files).has_value(), "set_base");
    require(both.views.make(view_name, {}, std::nullopt).has_value(), "view");
  });
  return took;
}

void measure_small(const fs::path& root, const rsync_daemon& rsync) {
  make_project(root / "project");
  nodes both(root / "small");
  const auto per_file = [](double time) { return time * 1e6 / file_count; };
  const auto theirs = [&](std::optional<double> time) {
    return time ? std::optional(per_file(*time)) : std::nullopt;
  };
  const auto first = sync(both, root / "project", "first");
  require(first.bytes == file_count * file_size, "moving each byte once");
  const auto rsync_first = theirs(rsync.run(root / "project"));
  report("sync 10,000 x 4 KiB, first: files to view", per_file(first.sum()), "us/file",
         rsync_first);
  report("sync 10,000 x 4 KiB, first: transfer alone", per_file(first.transfer), "us/file",
         rsync_first);
  const auto again = sync(both, root / "project", "again");
  require(again.bytes == 0, "moving nothing when nothing changed");
  report("sync 10,000 x 4 KiB, unchanged: files to view", per_file(again.sum()), "us/file",
         theirs(rsync.run(root / "project")));
}

/// A virtual machine may have given its free pages back: the first to write them again waits for the
/// host, also in a plain copy. So they are written just before.
void wake_memory(const fs::path& root, std::uint64_t mebibytes) {
  const auto path = root / "awake";
  {
    const std::string zeros(std::size_t{1} << 20, '\0');
    std::ofstream out(path);
    for (std::uint64_t i = 0; i < mebibytes; ++i)
      out << zeros;
  }
  fs::remove(path);
}

/// The best of some tries, each just after the memory was woken: the host may take it back at any moment,
/// which halves or quarters the speed of whoever writes then.
class best_speed {
public:
  explicit best_speed(double bytes) : bytes_(bytes) {}
  void add(double took) { megabytes_ = std::max(megabytes_, bytes_ / took / 1e6); }
  [[nodiscard]] double value() const { return megabytes_; }

private:
  double bytes_;
  double megabytes_ = 0;
};

void measure_big(const fs::path& root, const rsync_daemon& rsync, std::uint64_t mebibytes,
                 int tries) {
  make_big(root / "large", mebibytes);
  nodes both(root / "big");
  const std::vector<core::file_source> sources{{.from = "large", .match = "**"}};
  const auto files = io::take_snapshot(sources, root, *both.from).value().files;
  const auto& entry = files.at("big");
  const std::vector<core::blob_id> blobs{{.hash = entry.hash, .size = entry.size}};
  const auto bytes = static_cast<double>(mebibytes << 20);
  best_speed ours(bytes);
  best_speed theirs(bytes);
  best_speed copy(bytes);
  for (int i = 0; i < tries; ++i) {
    const auto store = root / fmt::format("to-{}", i);
    {
      const auto to = io::blob_store::open(store, {.durable = false}).value();
      wake_memory(root, mebibytes);
      ours.add(seconds([&] { require(both.client.get(blobs, *to, {}).has_value(), "transfer"); }));
      require(to->has(blobs[0]), "the large file's arrival");
    }
    require(io::remove_tree(AT_FDCWD, store).has_value(), "remove");
    wake_memory(root, mebibytes);
    copy.add(seconds([&] { fs::copy_file(root / "large/big", root / "copy"); }));
    fs::remove(root / "copy");
    wake_memory(root, mebibytes);
    if (const auto took = rsync.run(root / "large", "-W"))
      theirs.add(*took);
    fs::remove(root / "rsync/big");
  }
  report("transfer of one large file, hashed on arrival", ours.value(), "MB/s",
         theirs.value() > 0 ? std::optional(theirs.value()) : std::nullopt,
         fmt::format(", \"copy of the file\": {{\"value\": {:.2f}}}", copy.value()));
}

} // namespace

int main(int argc, char** argv) {
  auto name = fmt::format("{}/maze-bench-XXXXXX", argc > 1 ? argv[1] : "/dev/shm");
  require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  const char* size = std::getenv("MAZE_BENCH_SIZE");
  const bool quick = size != nullptr && std::string_view(size) == "quick";
  {
    const rsync_daemon rsync(name);
    measure_small(name, rsync);
    measure_big(name, rsync, quick ? 256 : 2048, quick ? 1 : 5);
  }
  require(io::remove_tree(AT_FDCWD, name).has_value(), "remove");
}
