#pragma once

#include "maze/io/blob_store.hpp"
#include "maze/io/bulk_frames.hpp"

#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace maze::io {

/// A blob that did not make it, and why.
struct bulk_failure {
  core::blob_id blob;
  core::error why;
};

/// What moving a list of blobs came to.
struct bulk_report {
  /// Blobs of the list that did not make it: absent at the peer (`not_found`, `object_lost`), or
  /// dropped for a wrong hash (`transfer_error`). All others are there.
  std::vector<bulk_failure> failures;
  std::uint64_t blobs_moved = 0;
  /// Bytes of blobs that arrived or were sent, also of those that failed.
  std::uint64_t bytes_moved = 0;
};

/// The getting of a list of blobs, without the connection: says what to ask for, and takes the
/// answers into a store. What was asked for and is still to come stays below a number of bytes.
///
/// @note One thread. Blocks on disk.
class bulk_fetch {
public:
  struct limits {
    /// Bytes asked for and not yet come, at most (but always one range).
    std::uint64_t credit = std::uint64_t{32} << 20;
    /// The longest piece of a blob that is asked for at once, in bytes.
    std::uint64_t range_max = std::uint64_t{8} << 20;
  };

  /// @param wanted  each blob once.
  /// @param partial  the writer of one of these blobs whose transfer broke off: it goes on there.
  bulk_fetch(std::vector<core::blob_id> wanted, blob_store& into, limits bounds,
             std::optional<blob_writer> partial);

  /// What to ask for next, as request `number`; nothing while enough is on its way, or everything is.
  std::optional<core::bulk::range_list> next_request(std::uint32_t number);
  /// Takes the next answer. Fails with `malformed` when the peer answers what nobody asked, with what
  /// the peer said when it refuses all, and with `io_error` or `resource_exhausted` of the store.
  core::result<void> take(const bulk_frame& answer);
  [[nodiscard]] bool finished() const noexcept;

  /// What came so far. Take it once.
  [[nodiscard]] bulk_report take_report() { return std::move(report_); }
  /// The blob whose transfer broke off, if one did, for a further attempt. Take it once.
  [[nodiscard]] std::optional<blob_writer> take_partial() { return std::move(writer_); }

private:
  struct piece {
    std::size_t blob = 0;
    core::bulk::blob_range range;
  };
  struct request {
    std::uint32_t number = 0;
    std::vector<piece> pieces;
    /// Which piece is due, and how much of it came.
    std::size_t next = 0;
    std::uint64_t came = 0;
  };

  core::result<void> take_part(request& asked, const bulk_frame& answer);
  core::result<void> take_absent(request& asked, const bulk_frame& answer);
  core::result<void> store(std::size_t blob, std::uint64_t offset, std::string_view bytes);
  void piece_done(request& asked);
  core::result<void> judge(std::size_t blob, const core::result<void>& done);

  std::vector<core::blob_id> wanted_;
  std::vector<bool> failed_;
  blob_store& into_;
  limits bounds_;
  /// The one blob that is partly here: answers come in the order of the requests.
  std::optional<blob_writer> writer_;
  /// What is to be asked for next: the blob, and where in it.
  std::size_t ask_blob_ = 0;
  std::uint64_t ask_offset_ = 0;
  std::uint64_t on_the_way_ = 0;
  std::deque<request> asked_;
  bulk_report report_;
};

} // namespace maze::io
