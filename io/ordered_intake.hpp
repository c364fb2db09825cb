#pragma once

#include "maze/io/blob_store.hpp"
#include "maze/io/files.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace maze::io {

/// Copies files into a blob store on several cores, and tells of them in the order in which they came.
///
/// The caller's thread works as well; others start when so many files wait that it pays, so that a few
/// small files cost no thread.
///
/// @note One thread at a time. Blocks on disk.
class ordered_intake {
public:
  /// Called in the caller's thread with what became of a file; an error is passed on to the caller, and
  /// nothing is told after it.
  using told = std::function<core::result<void>(core::result<blob_info>)>;

  /// `stop` ends what is being copied soon (`cancelled`).
  /// @param threads_max  Beside the caller's.
  ordered_intake(blob_store& store, const std::stop_token& stop, std::size_t threads_max);
  /// One thread for each core that the process may use.
  ordered_intake(blob_store& store, const std::stop_token& stop);
  /// What was not told of is given up.
  ~ordered_intake();
  ordered_intake(const ordered_intake&) = delete;
  ordered_intake& operator=(const ordered_intake&) = delete;

  /// Takes an open regular file; may tell of earlier ones.
  core::result<void> add(unique_fd file, told then);
  /// Tells of all that remain.
  core::result<void> finish();

private:
  struct job {
    unique_fd file;
    told then;
    std::optional<core::result<blob_info>> result;
  };

  void help_until_stopped();
  /// Copies the first file that waits, if any; `lock` is open meanwhile.
  bool work_on_one(std::unique_lock<std::mutex>& lock);
  /// Tells of the first file, waiting and helping until it is there.
  core::result<void> tell_of_first(std::unique_lock<std::mutex>& lock);
  void start_thread();

  blob_store& store_;
  std::size_t threads_max_;
  std::stop_source stopping_;
  std::stop_callback<std::function<void()>> passed_on_;
  /// Guards everything below.
  std::mutex guard_;
  std::condition_variable waits_;
  std::condition_variable done_;
  /// In the order of their coming; stays in place while it grows and shrinks at its ends.
  std::deque<job> jobs_;
  /// So many of them, from the first on, were begun.
  std::size_t begun_ = 0;
  std::size_t asleep_ = 0;
  bool failed_ = false;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

} // namespace maze::io
