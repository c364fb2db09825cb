#include "support/calls_cluster.hpp"

#include "maze/io/hash.hpp"
#include "maze/io/run_sources.hpp"
#include "node/settings.hpp"
#include "support/eventually.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace maze::test {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void give_up(const std::string& why) {
  throw std::runtime_error("the cluster of calls: " + why);
}

/// Nanoseconds that the process has computed; 0 for one that there is not.
std::int64_t cpu_of(int pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    return 0;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::vector<int> children_of(int pid) {
  std::vector<int> out;
  std::error_code gone;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::ifstream in(task.path() / "children");
    for (int child = 0; in >> child;)
      out.push_back(child);
  }
  return out;
}

std::int64_t cpu_of_tree(int pid) {
  std::int64_t sum = cpu_of(pid);
  for (const int child : children_of(pid))
    sum += cpu_of_tree(child);
  return sum;
}

std::string worker_name(std::size_t which) { return fmt::format("w{}", which + 1); }

std::string join_file(const fs::path& room, std::size_t which) {
  return (room / (worker_name(which) + ".join")).string();
}

template <class T>
T must(core::result<T> what, const std::string& about) {
  if (!what)
    give_up(about + ": " + core::describe(what.error()));
  return std::move(*what);
}

} // namespace

int calls_cluster::start(std::vector<std::string> words) const {
  words.insert(words.begin(), (options_.programs / "maze-node").string());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  int pid = 0;
  if (::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0)
    give_up("cannot start " + words[0]);
  ::posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void calls_cluster::command(std::vector<std::string> words) {
  const std::string name = words.front();
  int status = 0;
  ::waitpid(start(std::move(words)), &status, 0);
  if (status != 0)
    give_up(fmt::format("maze-node {} failed", name));
}

int calls_cluster::start_worker(std::size_t which) const {
  const std::string name = worker_name(which);
  std::vector<std::string> words{"start",   "--role", "worker", "--name", name,
                                 "--quiet", "--cpus", "1",      "--dir",  (room_ / name).string()};
  if (options_.secure)
    words.insert(words.end(), {"--join", join_file(room_, which)});
  return start(std::move(words));
}

int calls_cluster::below_worker(std::size_t which, const std::string& name) const {
  std::vector<int> found = children_of(worker(which));
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::string command;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", found[i])), command);
    if (command == name)
      return found[i];
    const auto below = children_of(found[i]);
    found.insert(found.end(), below.begin(), below.end());
  }
  return -1;
}

void calls_cluster::start_again(std::size_t which) {
  ::waitpid(worker(which), nullptr, 0);
  processes_[1 + which] = start_worker(which);
}

calls_cluster::calls_cluster(options chosen) : options_(std::move(chosen)) {
  std::string room = (fs::temp_directory_path() / "maze-calls-XXXXXX").string();
  if (::mkdtemp(room.data()) == nullptr)
    give_up("no temporary folder");
  room_ = room;
  fs::permissions(room_, fs::perms(0711));
  fs::create_directory(room_ / "run");
  fs::permissions(room_ / "run", fs::perms::owner_all);
  ::setenv("XDG_RUNTIME_DIR", (room_ / "run").c_str(), 1);
  if (options_.own_users)
    ::unsetenv("MAZE_TASK_USER");
  else
    ::setenv("MAZE_TASK_USER", "same", 1);
  std::vector<std::string> master{"start",  "--name",  "bench", "--role",
                                  "master", "--quiet", "--dir", (room_ / "master").string()};
  if (options_.secure)
    master.insert(master.end(), {"--listen", "tcp:127.0.0.1:0"});
  processes_.push_back(start(std::move(master)));
  node::settings values;
  values.cluster = "bench";
  if (!eventually([&] { return node::find_address(values).has_value(); }))
    give_up("there is no master");
  for (std::size_t which = 0; which < 2; ++which) {
    if (options_.secure)
      command({"join-file", worker_name(which), "--file", join_file(room_, which)});
    processes_.push_back(start_worker(which));
  }
  if (options_.secure) {
    values.cluster = (room_ / "client.join").string();
    command({"join-file", "client", "--for", "client", "--file", values.cluster});
  }
  address_ = must(node::find_address(values), "find the cluster");
  session_ = must(node::open_session(address_), "open a session");
  if (!eventually([&] { return session_->nodes()->rows.size() == 2; }))
    give_up("no two nodes joined");
  store_ = must(io::blob_store::open(room_ / "client", {.durable = false}), "open a store");
  auto library =
      must(io::open_library(options_.library_name, options_.library), "open the library");
  const auto kept = must(store_->put_copy(library.fd.get()), "store the library");
  libraries_.emplace(options_.library_name, core::library_ref{kept.hash, kept.size});
  const std::vector blobs{core::blob_id{kept.hash, kept.size}};
  if (auto sent = node::uploader_to(address_)(blobs, *store_); !sent)
    give_up("upload: " + core::describe(sent.error()));
}

calls_cluster::~calls_cluster() {
  session_.reset();
  for (const int pid : processes_)
    ::kill(pid, SIGTERM);
  for (const int pid : processes_)
    ::waitpid(pid, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(room_, ignored);
}

core::run_id calls_cluster::start(core::call_plan plan) {
  core::submission_form form;
  form.client_id = fmt::format("calls-{}", ++runs_);
  form.name = "calls";
  form.base = io::hash_bytes(core::encode_manifest(form.files));
  form.libraries = libraries_;
  form.calls = std::move(plan);
  return must(session_->submit(form), "submit");
}

std::unique_ptr<actors::call_stream> calls_cluster::open(core::call_plan plan) {
  return must(session_->open_calls(start(std::move(plan))), "open the calls");
}

std::chrono::nanoseconds calls_cluster::cpu() const {
  std::int64_t sum = cpu_of(::getpid());
  for (const int pid : processes_)
    sum += cpu_of_tree(pid);
  return std::chrono::nanoseconds(sum);
}

std::uint64_t calls_cluster::master_memory() const {
  std::ifstream in(fmt::format("/proc/{}/statm", processes_.front()));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  in >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace maze::test
