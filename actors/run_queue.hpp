#pragma once

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>

namespace maze::actors {

/// Scheduling policy for CAF: one queue of actors that have messages, for all threads.
///
/// Differs from caf::policy::work_sharing in when it wakes a thread: after the lock is given back,
/// and only if one sleeps. With the lock held, a thread that is woken on the waker's core takes its
/// place, finds the lock taken and sleeps again: three switches where one does, for every message.
/// @note Thread-safe.
class run_queue : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}

    std::mutex lock;
    std::condition_variable filled;
    /// Guarded by `lock`, as is the number of threads that wait for more.
    std::deque<caf::resumable*> jobs;
    std::size_t asleep = 0;
  };
  /// While one lives, the messages that its thread sends wake nobody; its end wakes one thread for
  /// all of them. For a detached actor that tells several others a few things at once: each wake-up
  /// on a busy machine takes the sender's core before it can send the rest. Around sends alone: an
  /// actor that stands in the queue already is woken by nobody else. One at a time for a thread, and
  /// for one actor system.
  class one_wake {
  public:
    one_wake() { mine_ = this; }
    ~one_wake() {
      mine_ = nullptr;
      if (held_ != nullptr)
        held_->filled.notify_one();
    }
    one_wake(const one_wake&) = delete;
    one_wake& operator=(const one_wake&) = delete;

  private:
    friend run_queue;
    static inline thread_local one_wake* mine_ = nullptr;
    coordinator_data* held_ = nullptr;
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    auto& shared = d(self);
    std::unique_lock guard(shared.lock);
    shared.jobs.push_back(job);
    const bool wake = shared.asleep > 0;
    guard.unlock();
    if (wake && one_wake::mine_ != nullptr)
      one_wake::mine_->held_ = &shared;
    else if (wake)
      shared.filled.notify_one();
  }

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  /// The job gave way to others: it goes behind them.
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto& shared = d(self->parent());
    std::unique_lock guard(shared.lock);
    while (shared.jobs.empty()) {
      ++shared.asleep;
      shared.filled.wait(guard);
      --shared.asleep;
    }
    caf::resumable* const job = shared.jobs.front();
    shared.jobs.pop_front();
    return job;
  }

  template <class Worker, class Function>
  void foreach_resumable(Worker*, Function) {}

  template <class Coordinator, class Function>
  void foreach_central_resumable(Coordinator* self, Function visit) {
    auto& shared = d(self);
    const std::lock_guard guard(shared.lock);
    for (; !shared.jobs.empty(); shared.jobs.pop_front())
      visit(shared.jobs.front());
  }
};

/// What `actor_system_config::load` takes.
using run_queue_scheduler = caf::scheduler::coordinator<run_queue>;

} // namespace maze::actors
