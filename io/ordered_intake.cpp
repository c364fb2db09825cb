#include "maze/io/ordered_intake.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace maze::io {

namespace {

// Open files at a time, to which each thread adds the one it writes: enough to keep every thread busy.
constexpr std::size_t window_max = 12;
// A thread costs as much as copying a few small files.
constexpr std::size_t files_for_a_thread = 8;
// Beyond, they get in each other's way in the folders of the store.
constexpr std::size_t useful_threads = 3;

std::size_t other_cores() {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  return std::min(cores - 1, useful_threads);
}

} // namespace

ordered_intake::ordered_intake(blob_store& store, const std::stop_token& stop,
                               std::size_t threads_max)
    : store_(store),
      threads_max_(threads_max),
      passed_on_(stop, [this] { stopping_.request_stop(); }) {}

ordered_intake::ordered_intake(blob_store& store, const std::stop_token& stop)
    : ordered_intake(store, stop, other_cores()) {}

ordered_intake::~ordered_intake() {
  stopping_.request_stop();
  {
    const std::lock_guard lock(guard_);
    ending_ = true;
  }
  waits_.notify_all();
  for (std::thread& each : threads_)
    each.join();
}

core::result<void> ordered_intake::add(unique_fd file, told then) {
  std::unique_lock lock(guard_);
  jobs_.push_back({.file = std::move(file), .then = std::move(then), .result = {}});
  if (jobs_.size() - begun_ >= files_for_a_thread && threads_.size() < threads_max_)
    start_thread();
  else if (asleep_ > 0)
    waits_.notify_one();
  while (jobs_.size() >= window_max || (!jobs_.empty() && jobs_.front().result))
    if (auto done = tell_of_first(lock); !done)
      return done;
  return {};
}

core::result<void> ordered_intake::finish() {
  std::unique_lock lock(guard_);
  while (!failed_ && !jobs_.empty())
    if (auto done = tell_of_first(lock); !done)
      return done;
  return {};
}

void ordered_intake::start_thread() {
  try {
    threads_.emplace_back([this] { help_until_stopped(); });
  } catch (const std::system_error&) {
    // No more threads for this user: those that are there do it all.
    threads_max_ = threads_.size();
  }
}

void ordered_intake::help_until_stopped() {
  std::unique_lock lock(guard_);
  while (!ending_)
    if (!work_on_one(lock)) {
      ++asleep_;
      waits_.wait(lock);
      --asleep_;
    }
}

bool ordered_intake::work_on_one(std::unique_lock<std::mutex>& lock) {
  if (begun_ == jobs_.size())
    return false;
  job& mine = jobs_[begun_++];
  lock.unlock();
  auto result = store_.put_copy(mine.file.get(), stopping_.get_token());
  mine.file.reset();
  lock.lock();
  mine.result = std::move(result);
  if (&mine == &jobs_.front())
    done_.notify_one();
  return true;
}

core::result<void> ordered_intake::tell_of_first(std::unique_lock<std::mutex>& lock) {
  while (!jobs_.front().result)
    if (!work_on_one(lock))
      done_.wait(lock);
  job first = std::move(jobs_.front());
  jobs_.pop_front();
  --begun_;
  lock.unlock();
  auto heard = first.then(std::move(*first.result));
  lock.lock();
  failed_ = !heard;
  return heard;
}

} // namespace maze::io
