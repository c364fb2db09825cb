#include "maze/actors/api/call_stream.hpp"

#include "maze/actors/errors.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace maze::actors {

namespace {

/// What the threads of the client share with the actor that the hub speaks to.
struct shared_state {
  std::mutex mutex;
  /// Something below changed.
  std::condition_variable changed;
  std::deque<std::string> results;
  core::call_number taken = 0;
  std::optional<core::error> failed;
  std::optional<calls_over> over;

  void change(const auto& how) {
    {
      const std::lock_guard lock(mutex);
      how();
    }
    changed.notify_all();
  }
  /// What comes again after an earlier client is behind.
  void take(core::call_number next) { taken = std::max(taken, next); }
  void fail(core::error why) {
    change([&] {
      // Once all is over nothing is lost with the connection.
      if (!failed && !over)
        failed = std::move(why);
    });
  }
};

struct listener_state {
  listener_state() = default;
  static constexpr const char* name = "call_client";
};

/// In the I/O thread, where results arrive.
caf::behavior listener(caf::stateful_actor<listener_state, caf::io::broker>* self,
                       std::shared_ptr<shared_state> state, call_service_actor hub) {
  self->monitor(hub);
  self->set_down_handler([state](const caf::down_msg&) {
    state->fail({.code = core::errc::transfer_error,
                 .message = "the connection to the calls' cluster broke: it may have ended",
                 .origin = "calls"});
  });
  return {
      [state](const calls_taken& msg) { state->change([&] { state->take(msg.next); }); },
      [state](call_results& msg) {
        state->change([&] {
          state->take(msg.next);
          state->results.push_back(std::move(msg.bytes));
        });
      },
      [state](calls_refused& msg) { state->fail(std::move(msg.reason)); },
      [state](const calls_over& msg) { state->change([&] { state->over = msg; }); },
  };
}

} // namespace

struct call_stream::data {
  explicit data(core::call_number first) : writer(first) {}

  options settings;
  call_service_actor hub;
  caf::actor client;
  std::shared_ptr<shared_state> state;
  /// Guards what follows: calls that wait here.
  std::mutex mutex;
  core::call_batch_writer writer;
  core::call_number sent = 0;
  std::uint32_t number = 0;
  /// Only whoever takes results uses it.
  std::uint64_t unread = 0;

  core::result<void> send();
  core::result<void> await_room();
};

core::result<void> call_stream::data::send() {
  if (writer.empty())
    return {};
  sent += writer.count();
  caf::anon_send(hub, submit_calls{writer.finish()});
  return await_room();
}

core::result<void> call_stream::data::await_room() {
  std::unique_lock lock(state->mutex);
  const auto room = [this] {
    return state->failed || sent - state->taken <= settings.unacknowledged_max;
  };
  if (!state->changed.wait_for(lock, settings.patience, room))
    return core::fail(
        core::errc::transfer_error,
        fmt::format("the cluster took no calls for {} s",
                    std::chrono::duration_cast<std::chrono::seconds>(settings.patience).count()),
        "calls");
  if (state->failed)
    return core::fail(*state->failed);
  return {};
}

call_stream::call_stream(std::unique_ptr<data> state) : data_(std::move(state)) {}

core::result<std::unique_ptr<call_stream>>
call_stream::open(caf::actor_system& system, const call_service_actor& hub, options settings) {
  auto state = std::make_shared<shared_state>();
  caf::actor client = system.middleman().spawn_broker(listener, state, hub);
  core::result<calls_opened> opened = core::fail(core::errc::transfer_error, "no answer", "calls");
  {
    caf::scoped_actor self{system};
    self->request(hub, settings.patience, attach_client{caf::actor_cast<call_client_actor>(client)})
        .receive([&](const calls_opened& answer) { opened = answer; },
                 [&](const caf::error& failed) { opened = core::fail(from_caf(failed)); });
  }
  if (!opened) {
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    return core::fail(opened.error());
  }
  state->taken = opened->next;
  auto made = std::make_unique<data>(opened->next);
  made->settings = settings;
  made->hub = hub;
  made->client = std::move(client);
  made->state = std::move(state);
  made->sent = opened->next;
  made->number = opened->client;
  return std::unique_ptr<call_stream>(new call_stream(std::move(made)));
}

call_stream::~call_stream() { caf::anon_send_exit(data_->client, caf::exit_reason::user_shutdown); }

core::result<core::call_number>
call_stream::call(std::uint32_t function, std::string_view arguments,
                  std::span<const core::call_dependency> dependencies) {
  const std::size_t size =
      core::batch_entry_size + arguments.size() + dependencies.size() * core::batch_dependency_size;
  if (size + core::batch_header_size > core::call_batch_max)
    return core::fail(
        core::errc::limit_exceeded,
        fmt::format("the arguments of a call have {} bytes; a call of at most {} fits",
                    arguments.size(), core::call_batch_max),
        "calls");
  const std::lock_guard lock(data_->mutex);
  if (data_->writer.size() + size > core::call_batch_max)
    if (auto sent = data_->send(); !sent)
      return core::fail(sent.error());
  const core::call_number number = data_->writer.add(function, arguments, dependencies);
  if (data_->writer.count() >= data_->settings.frame_calls_max
      || data_->writer.size() >= data_->settings.frame_bytes_max)
    if (auto sent = data_->send(); !sent)
      return core::fail(sent.error());
  return number;
}

core::result<void> call_stream::flush() {
  const std::lock_guard lock(data_->mutex);
  return data_->send();
}

core::result<void> call_stream::cancel(std::span<const core::call_number> calls) {
  const std::lock_guard lock(data_->mutex);
  if (auto sent = data_->send(); !sent)
    return sent;
  caf::anon_send(data_->hub, cancel_calls{{calls.begin(), calls.end()}});
  return {};
}

core::result<void> call_stream::close() {
  const std::lock_guard lock(data_->mutex);
  if (auto sent = data_->send(); !sent)
    return sent;
  caf::anon_send(data_->hub, close_calls{});
  return {};
}

core::result<call_stream::results> call_stream::next(std::chrono::nanoseconds patience) {
  shared_state& state = *data_->state;
  results out;
  {
    std::unique_lock lock(state.mutex);
    state.changed.wait_for(lock, patience,
                           [&] { return !state.results.empty() || state.failed || state.over; });
    if (state.results.empty()) {
      if (state.failed)
        return core::fail(*state.failed);
      return out;
    }
    out.message = std::move(state.results.front());
    state.results.pop_front();
  }
  data_->unread += out.message.size();
  if (data_->unread >= data_->settings.read_step)
    caf::anon_send(data_->hub, results_read{std::exchange(data_->unread, 0), data_->number});
  return out;
}

std::optional<calls_over> call_stream::over() const {
  const std::lock_guard lock(data_->state->mutex);
  return data_->state->over;
}

core::call_number call_stream::taken() const {
  const std::lock_guard lock(data_->state->mutex);
  return data_->state->taken;
}

} // namespace maze::actors
