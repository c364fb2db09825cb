#include "maze/io/bulk_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace maze::io {

namespace {

struct served_connection {
  std::unique_ptr<byte_stream> stream;
  bulk_rights rights;
  std::string peer;
  std::thread thread;
  /// Set by the thread as its last act: whoever finds it may join.
  bool ended = false;
};

} // namespace

struct bulk_server::data {
  std::shared_ptr<blob_store> blobs;
  options settings;
  log* events = nullptr;
  document_table documents;

  /// Guards what follows.
  mutable std::mutex guard;
  std::list<served_connection> connections;
  bulk_traffic traffic;
  bool closed = false;

  void run(served_connection& served) {
    bulk_session session(*served.stream, *blobs, documents, served.rights, settings.limits);
    const auto done = session.serve();
    {
      const std::lock_guard lock(guard);
      if (!done && !closed && events != nullptr)
        events->event(log_level::warning, "bulk connection ended",
                      {{"peer", served.peer}, {"error", describe(done.error())}});
      traffic.bytes_sent += session.traffic().bytes_sent;
      traffic.bytes_received += session.traffic().bytes_received;
      traffic.blobs_received += session.traffic().blobs_received;
    }
    // The peer sees the end at once, not when the connection is tidied up.
    served.stream->shut_down();
    const std::lock_guard lock(guard);
    served.ended = true;
  }

  /// Call with `guard` held.
  core::result<void> start(served_connection fresh) {
    auto& served = connections.emplace_back(std::move(fresh));
    try {
      served.thread = std::thread([this, &served] { run(served); });
    } catch (const std::system_error& failure) {
      connections.pop_back();
      return core::fail(core::errc::resource_exhausted,
                        fmt::format("no thread for a bulk connection: {}", failure.what()));
    }
    return {};
  }

  /// Takes connections out whose thread is at its end. Call with `guard` held.
  std::list<served_connection> take_ended() {
    std::list<served_connection> ended;
    for (auto at = connections.begin(); at != connections.end();) {
      const auto next = std::next(at);
      if (at->ended)
        ended.splice(ended.end(), connections, at);
      at = next;
    }
    return ended;
  }
};

bulk_server::bulk_server(std::shared_ptr<blob_store> blobs, options settings, log* events)
    : data_(std::make_unique<data>()) {
  data_->blobs = std::move(blobs);
  data_->settings = settings;
  data_->events = events;
}

bulk_server::~bulk_server() { shut_down(); }

core::result<void> bulk_server::serve(std::unique_ptr<byte_stream> stream, bulk_rights rights,
                                      std::string peer) {
  std::list<served_connection> ended;
  core::result<void> done;
  {
    const std::lock_guard lock(data_->guard);
    ended = data_->take_ended();
    if (data_->closed)
      done = core::fail(core::errc::cancelled, "the bulk server is shut down");
    else if (data_->connections.size() >= data_->settings.connections_max)
      done = core::fail(core::errc::limit_exceeded,
                        fmt::format("{} bulk connections are open, which is the limit: {} was "
                                    "turned away",
                                    data_->connections.size(), peer));
    else
      done = data_->start({.stream = std::move(stream), .rights = rights, .peer = std::move(peer)});
  }
  for (auto& one : ended)
    one.thread.join();
  return done;
}

void bulk_server::shut_down() {
  std::list<served_connection> all;
  {
    const std::lock_guard lock(data_->guard);
    data_->closed = true;
    for (auto& one : data_->connections)
      one.stream->shut_down();
    all.swap(data_->connections);
  }
  for (auto& one : all)
    one.thread.join();
}

document_table& bulk_server::documents() noexcept { return data_->documents; }

bulk_traffic bulk_server::traffic() const {
  const std::lock_guard lock(data_->guard);
  return data_->traffic;
}

std::size_t bulk_server::connections() const {
  const std::lock_guard lock(data_->guard);
  return static_cast<std::size_t>(
      std::count_if(data_->connections.begin(), data_->connections.end(),
                    [](const served_connection& one) { return !one.ended; }));
}

} // namespace maze::io
