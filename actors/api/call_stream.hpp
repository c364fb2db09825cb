#pragma once

#include "maze/actors/protocol/call_service_actor.hpp"
#include "maze/core/call_batch.hpp"
#include "maze/core/call_frames.hpp"
#include "maze/core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace caf {
class actor_system;
}

namespace maze::actors {

/// A client's end of the calls of one run: hands calls in by the frame and gives their results out by the message.
///
/// Calls are numbered from 0 in the order in which they are handed in. What is handed in waits here until a frame is
/// full or `flush`; so a call that somebody waits for is followed by a `flush`.
/// @note Thread-safe: one thread may hand in calls while another takes results.
class call_stream {
public:
  struct options {
    /// A frame that is as full as this goes.
    std::uint32_t frame_calls_max = 512;
    std::size_t frame_bytes_max = std::size_t{64} << 10;
    /// Calls that the cluster has not taken yet, durably; `call` waits beyond that.
    std::uint32_t unacknowledged_max = 100'000;
    /// How long the cluster may take to take calls.
    std::chrono::milliseconds patience{60'000};
    /// After so many bytes of results the cluster hears that they were used. Well below its window.
    std::uint64_t read_step = std::uint64_t{1} << 20;
  };

  /// Ends of calls, in a `replies` message: see core/call_frames.hpp.
  struct results {
    std::string message;

    /// Calls `visit(call_number, bool returned, std::string_view payload)` for each: the encoded value, or the encoded
    /// error.
    void for_each(const auto& visit) const {
      if (const auto view = core::call_message_view::of(message))
        view->for_each([&](const core::call_entry& each, std::string_view payload) {
          visit(static_cast<core::call_number>(each.number),
                each.word == static_cast<std::uint32_t>(core::call_outcome::returned), payload);
        });
    }
    [[nodiscard]] std::size_t count() const noexcept {
      const auto view = core::call_message_view::of(message);
      return view ? view->size() : 0;
    }
  };

  /// Takes the calls of a run over. Of a run that had another client, its results come again that it had not
  /// used: up to `read_step` bytes, so some may come twice. Fails with what the hub says, or with `transfer_error`.
  static core::result<std::unique_ptr<call_stream>>
  open(caf::actor_system& system, const call_service_actor& hub, options settings);
  /// What was not flushed is forgotten; the run goes on.
  ~call_stream();

  /// Hands a call in. `function` is its position in the plan, `arguments` an encoded list (by position) or dictionary (by
  /// name); `dependencies` are earlier calls, in the order of their places: see core/call_batch.hpp. Fails with what
  /// the cluster refused before, with `limit_exceeded` for a call that fits into no frame, and with `transfer_error` when the
  /// connection broke or nothing was taken for `patience`.
  core::result<core::call_number> call(std::uint32_t function, std::string_view arguments,
                                       std::span<const core::call_dependency> dependencies = {});
  /// Sends what waits here.
  core::result<void> flush();
  /// These calls are not wanted any more: each ends as cancelled, or with its result if that comes first. One that is at work
  /// ends with its process, which costs other calls there nothing but time. Flushes first.
  core::result<void> cancel(std::span<const core::call_number> calls);
  /// No more calls will come: once all have ended the run has. Flushes first.
  core::result<void> close();

  /// The next ends of calls; empty when `patience` passed, or when nothing will come any more because all calls have
  /// ended after `close`. Fails as `call`.
  core::result<results> next(std::chrono::nanoseconds patience);
  /// How many calls completed and failed, once all have ended after `close`.
  [[nodiscard]] std::optional<calls_over> over() const;
  /// Calls that the cluster has taken, durably.
  [[nodiscard]] core::call_number taken() const;

private:
  struct data;
  explicit call_stream(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::actors
