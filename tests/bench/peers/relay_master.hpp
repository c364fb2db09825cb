#pragma once

#include "relay_stream.hpp"

#include <cstddef>
#include <fcntl.h>
#include <utility>
#include <vector>

namespace floor_of_calls {

/// Releases a task when all that it needs is done; a node gets at most 1,024 unfinished ones.
class master {
public:
  master(int client, int node, const char* file) : client_(client), node_(node) {
    if (file && (file_ = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
      give_up(file);
    poller_.add(client_);
    poller_.add(node_);
  }

  void run() {
    for (bool open = true; open;) {
      results_.clear();
      poller_.wait([&](stream& x) {
        open = x.fill() && open;
        if (&x == &client_)
          x.each<submission>([this](const submission& one) { submit(one); });
        else
          x.each<call>([this](const call& one) { finish(one); });
      });
      feed();
      poller_.flush(node_);
      const auto size = results_.size() * sizeof(call);
      if (file_ >= 0 && size > 0
          && (write(file_, results_.data(), size) != static_cast<ssize_t>(size)
              || fdatasync(file_) != 0))
        give_up("write or fdatasync");
      client_.put(results_.data(), size);
      poller_.flush(client_);
    }
  }

private:
  static constexpr std::uint32_t no_edge = UINT32_MAX;

  struct task {
    std::uint64_t argument = 0;
    std::uint64_t result = 0;
    std::uint32_t left = 0;
    std::uint32_t successors = no_edge;
    bool done = false;
  };
  struct edge {
    std::uint32_t successor = 0;
    std::uint32_t next = no_edge;
  };

  void submit(const submission& one) {
    if (tasks_.size() <= one.task)
      tasks_.resize(one.task + std::size_t{1});
    auto& added = tasks_[one.task];
    added.argument = one.argument;
    for (std::uint32_t i = 0; i < one.needed; ++i) {
      auto& needed = tasks_[one.needs[i]];
      if (needed.done) {
        added.argument += needed.result;
        continue;
      }
      ++added.left;
      edges_.push_back(
          {one.task, std::exchange(needed.successors, static_cast<std::uint32_t>(edges_.size()))});
    }
    if (added.left == 0)
      ready_.push_back(one.task);
  }

  void finish(const call& one) {
    --unfinished_;
    results_.push_back(one);
    auto& ended = tasks_[one.task];
    ended.done = true;
    ended.result = one.value;
    for (auto i = ended.successors; i != no_edge; i = edges_[i].next) {
      auto& successor = tasks_[edges_[i].successor];
      successor.argument += one.value;
      if (--successor.left == 0)
        ready_.push_back(edges_[i].successor);
    }
  }

  void feed() {
    for (; unfinished_ < 1024 && first_ready_ < ready_.size(); ++unfinished_) {
      const auto next = ready_[first_ready_++];
      const call one{next, tasks_[next].argument};
      node_.put(&one, sizeof one);
    }
    if (first_ready_ == ready_.size()) {
      ready_.clear();
      first_ready_ = 0;
    }
  }

  stream client_, node_;
  poller poller_;
  int file_ = -1;
  std::vector<task> tasks_;
  std::vector<edge> edges_;
  std::vector<std::uint32_t> ready_;
  std::size_t first_ready_ = 0;
  std::size_t unfinished_ = 0;
  std::vector<call> results_;
};

} // namespace floor_of_calls
