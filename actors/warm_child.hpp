#pragma once

#include "maze/core/call_frames.hpp"
#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>

namespace maze::actors {

/// What a node knows of the calls in one warm child: those on their way, oldest first, how many have begun, and what the
/// child says about itself on the page that both share (tools/host/progress_page.hpp).
///
/// @note Not thread-safe.
class warm_calls {
public:
  /// Fails where memory ran out.
  static core::result<warm_calls> make();

  /// The page on which the child counts the calls that it began.
  [[nodiscard]] const std::shared_ptr<const io::unique_fd>& page() const noexcept { return page_; }
  /// What the child's `ready` message must repeat: a process that was not started for this knows it not.
  [[nodiscard]] std::uint64_t token() const noexcept { return token_; }
  /// Bytes that the child has in use, as it said of late; 0 before that.
  [[nodiscard]] std::uint64_t memory() const noexcept;

  /// Calls on their way to the child. Fails with `malformed` for bytes that are no `calls` message.
  core::result<void> sent(std::string_view message);
  /// Replies of the child, in the order of the calls. Fails with `worker_crash` for those that answer what was not asked.
  core::result<void> answered(const core::call_message_view& replies);

  /// Calls that have not been answered.
  [[nodiscard]] std::size_t open() const noexcept { return numbers_.size(); }
  /// Whether this call has not been answered.
  [[nodiscard]] bool is_open(std::uint32_t number) const noexcept;
  /// All that have been answered.
  [[nodiscard]] std::uint64_t done() const noexcept { return answered_; }
  /// The call that was at work when the child died: the last one that had begun, unless it was answered. Earlier ones that
  /// had ended without their reply getting out are not told apart from those that had not begun.
  [[nodiscard]] std::optional<std::uint32_t> culprit() const noexcept;

private:
  struct unmap {
    void operator()(volatile std::uint64_t* page) const noexcept;
  };

  warm_calls() = default;

  std::shared_ptr<const io::unique_fd> page_;
  std::unique_ptr<volatile std::uint64_t, unmap> words_;
  std::uint64_t token_ = 0;
  std::deque<std::uint32_t> numbers_;
  std::uint64_t answered_ = 0;
};

} // namespace maze::actors
