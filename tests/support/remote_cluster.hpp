#pragma once

#include "maze/actors/worker_node.hpp"
#include "maze/io/bulk_server.hpp"
#include "maze/io/hello.hpp"
#include "support/eventually.hpp"
#include "support/local_cluster.hpp"
#include "support/sockets.hpp"
#include "support/stream_pair.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <poll.h>
#include <span>
#include <string>
#include <thread>

namespace maze::test {

/// The way of one worker node to its master, which can be held up, broken and closed.
/// @note Thread-safe.
class control_road {
public:
  control_road(actors::local_node& master, std::string worker)
      : master_(master), worker_(std::move(worker)) {}
  control_road(const control_road&) = delete;
  control_road& operator=(const control_road&) = delete;
  ~control_road() {
    ended_ = true;
    for (stretch& each : stretches_)
      each.carrier.join();
  }

  core::result<actors::authenticated_socket> dial() {
    ++dials_;
    const std::lock_guard lock(guard_);
    if (closed_)
      return core::fail(core::errc::transfer_error, "the road is closed");
    auto [worker, near] = socket_pair();
    auto [far, served] = socket_pair();
    stretch& fresh = stretches_.emplace_back();
    fresh.to_worker = std::move(near);
    fresh.to_master = std::move(far);
    fresh.carrier = std::thread([this, &fresh] { carry(fresh); });
    actors::authenticated_socket inbound;
    inbound.fd = std::move(served);
    inbound.ticket = io::make_ticket().value();
    actors::authenticated_socket out;
    out.ticket = inbound.ticket;
    master_.admit_worker(std::move(inbound), fmt::format("{}", fmt::ptr(this)),
                         {.who = {.role = io::node_role::worker, .name = worker_, .cluster = {}}});
    out.fd = std::move(worker);
    return out;
  }
  /// Breaks what is connected.
  void cut() {
    const std::lock_guard lock(guard_);
    for (stretch& each : stretches_)
      each.broken = true;
  }
  /// From now on nobody gets through, and whoever was connected is not any more.
  void close() {
    {
      const std::lock_guard lock(guard_);
      closed_ = true;
    }
    cut();
  }
  void open() {
    const std::lock_guard lock(guard_);
    closed_ = false;
  }
  /// What is said in a direction stays on the way as long as that is held.
  void hold_to_master(bool held) { held_to_master_ = held; }
  void hold_to_worker(bool held) { held_to_worker_ = held; }
  [[nodiscard]] int dials() const { return dials_; }

private:
  struct stretch {
    io::unique_fd to_worker;
    io::unique_fd to_master;
    std::atomic<bool> broken{false};
    std::thread carrier;
  };

  void carry(stretch& on) const {
    std::array<char, 65536> buffer{};
    bool alive = true;
    while (alive && !on.broken && !ended_) {
      alive = held_to_master_ || pass(on.to_worker, on.to_master, buffer);
      alive = alive && (held_to_worker_ || pass(on.to_master, on.to_worker, buffer));
      // What is held is ready all the time, and not waited for.
      std::array<pollfd, 2> ready{pollfd{held_to_master_ ? -1 : on.to_worker.get(), POLLIN, 0},
                                  pollfd{held_to_worker_ ? -1 : on.to_master.get(), POLLIN, 0}};
      ::poll(ready.data(), ready.size(), 2);
    }
    ::shutdown(on.to_worker.get(), SHUT_RDWR);
    ::shutdown(on.to_master.get(), SHUT_RDWR);
  }
  /// Hands on what is there; false at the end.
  static bool pass(const io::unique_fd& from, const io::unique_fd& to, std::span<char> buffer) {
    const auto count = ::recv(from.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0)
      return count < 0 && errno == EAGAIN;
    std::string_view rest(buffer.data(), static_cast<std::size_t>(count));
    while (!rest.empty()) {
      if (!io::wait_for(to.get(), true, patience()))
        return false;
      const auto sent = ::send(to.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return false;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  actors::local_node& master_;
  const std::string worker_;
  std::mutex guard_;
  std::list<stretch> stretches_;
  bool closed_ = false;
  std::atomic<bool> held_to_master_{false};
  std::atomic<bool> held_to_worker_{false};
  std::atomic<bool> ended_{false};
  std::atomic<int> dials_{0};
};

/// A master that runs nothing itself, and worker nodes that share no folder with it, all in this
/// process.
class remote_cluster {
public:
  explicit remote_cluster(const core::link::options& link = {})
      : master_(1, [&link](actors::node_settings& settings) {
          settings.works = false;
          settings.serves = {.cluster = "home", .version = "1", .on_shut_down = [] {}};
          settings.link = link;
        }) {
    master_server_.documents().make_others_with(
        [this](std::string_view name) -> std::shared_ptr<const std::string> {
          auto found = master_.node().run_document(name);
          return found ? *found : nullptr;
        });
  }
  remote_cluster(const remote_cluster&) = delete;
  remote_cluster& operator=(const remote_cluster&) = delete;
  ~remote_cluster() {
    // First, or the nodes would wait for each other's blobs.
    for (auto& [name, each] : workers_)
      each.node.reset();
    for (auto& [name, each] : workers_)
      each.server->shut_down();
    master_server_.shut_down();
  }

  struct worker_settings {
    std::uint32_t cores = 2;
    core::link::options link;
  };
  /// Starts a worker node and waits until it is a member.
  actors::worker_node& add(const std::string& name) { return add(name, worker_settings{}); }
  actors::worker_node& add(const std::string& name, const worker_settings& how) {
    auto [at, fresh] = workers_.try_emplace(name);
    REQUIRE(fresh);
    worker& added = at->second;
    added.road = std::make_unique<control_road>(master_.node(), name);
    actors::node_settings settings;
    settings.name = name;
    settings.folder = added.folder / "state";
    settings.total = {.cpu_millis = how.cores * 1000, .memory = {std::uint64_t{1} << 30}};
    settings.durable = false;
    settings.stop_grace = std::chrono::milliseconds(100);
    settings.init_executable = MAZE_BIN_DIR "/maze-init";
    settings.link = how.link;
    auto started = actors::worker_node::start(
        settings,
        {.dial = [road = added.road.get()] { return road->dial(); },
         .connect_bulk = [this, name](const std::string& to) { return connect(name, to); },
         .master = "master",
         .own = name},
        io::log::open({.file = added.folder / "log"}).value());
    if (!started)
      FAIL(core::describe(started.error()));
    added.node = std::move(*started);
    added.server = std::make_unique<io::bulk_server>(added.node->shared_blobs(),
                                                     io::bulk_server::options{}, nullptr);
    {
      const std::lock_guard lock(guard_);
      servers_[name] = added.server.get();
    }
    REQUIRE(added.node->await_admission(std::chrono::seconds(60)));
    return *added.node;
  }
  /// The node's process ends in good order.
  void remove(const std::string& name) { workers_.at(name).node.reset(); }

  [[nodiscard]] local_cluster& master() { return master_; }
  [[nodiscard]] actors::worker_node& node(const std::string& name) {
    return *workers_.at(name).node;
  }
  [[nodiscard]] const std::filesystem::path& folder(const std::string& name) {
    return workers_.at(name).folder.path();
  }
  [[nodiscard]] control_road& road(const std::string& name) { return *workers_.at(name).road; }
  /// Of the members: name and number.
  [[nodiscard]] std::map<std::string, core::node_id> members() {
    std::map<std::string, core::node_id> out;
    caf::scoped_actor self{master_.node().system()};
    self->request(master_.node().master(), std::chrono::seconds(60), actors::select_nodes{})
        .receive(
            [&](const actors::node_listing& told) {
              for (const auto& each : told.nodes)
                out.emplace(each.name, each.node);
            },
            [](const caf::error& failed) { FAIL(core::describe(actors::from_caf(failed))); });
    return out;
  }
  /// How often `who` connected to the bulk plane of `whom`.
  [[nodiscard]] int connections(const std::string& who, const std::string& whom) {
    const std::lock_guard lock(guard_);
    return connections_[{who, whom}];
  }
  /// Hears of each connection of the bulk plane before it is made, as its number from 1, and may put
  /// it off.
  /// @pre No worker was added yet.
  void on_connect(std::function<void(const std::string& who, const std::string& whom, int)> hear) {
    on_connect_ = std::move(hear);
  }

private:
  struct worker {
    scratch_dir folder;
    std::unique_ptr<control_road> road;
    std::unique_ptr<actors::worker_node> node;
    std::unique_ptr<io::bulk_server> server;
  };

  core::result<std::unique_ptr<io::byte_stream>> connect(const std::string& who,
                                                         const std::string& to) {
    std::unique_lock lock(guard_);
    const int number = ++connections_[{who, to}];
    lock.unlock();
    if (on_connect_)
      on_connect_(who, to, number);
    lock.lock();
    const auto found = servers_.find(to);
    if (found == servers_.end())
      return core::fail(core::errc::transfer_error, "nobody serves at " + to);
    stream_pair ends;
    const bool asks_master = to == "master";
    if (auto served = found->second->serve(
            std::move(ends.far), {.may_put = asks_master, .may_read_documents = asks_master}, who);
        !served)
      return core::fail(served.error());
    return std::unique_ptr<io::byte_stream>(std::move(ends.near));
  }

  local_cluster master_;
  io::bulk_server master_server_{master_.node().shared_blobs(), {}, nullptr};
  std::mutex guard_;
  std::map<std::string, io::bulk_server*> servers_{{"master", &master_server_}};
  std::map<std::pair<std::string, std::string>, int> connections_;
  std::function<void(const std::string&, const std::string&, int)> on_connect_;
  std::map<std::string, worker> workers_;
};

} // namespace maze::test
