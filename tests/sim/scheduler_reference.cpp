#include "sim/scheduler_reference.hpp"

#include "maze/core/placement.hpp"
#include "sim/dice.hpp"

#include <algorithm>

namespace maze::sim {
using namespace core;

namespace {

bool gives(const sandbox_offer& node, const sandbox_offer& task) {
  return node.sealed >= task.sealed && node.cpu_shares >= task.cpu_shares
         && node.container >= task.container && task.permissions.without(node.permissions).empty()
         && std::all_of(task.variables.begin(), task.variables.end(), [&](const auto& name) {
              return std::find(node.variables.begin(), node.variables.end(), name)
                     != node.variables.end();
            });
}

bool is_labelled(const node_labels& node, const node_labels& task) {
  return std::includes(node.begin(), node.end(), task.begin(), task.end());
}

} // namespace

resources scheduler_reference::node::free() const {
  auto left = total;
  for (const auto& [attempt, needs] : held)
    left.take(needs);
  return left;
}

std::size_t scheduler_reference::active() const {
  std::size_t sum = 0;
  for (const auto* part : {&nodes_, &drained_})
    for (const auto& [id, each] : *part)
      sum += each.held.size();
  return sum;
}

std::vector<attempt_id> scheduler_reference::known() const {
  std::vector<attempt_id> all;
  for (const auto& task : waiting_)
    all.push_back(task.attempt);
  for (const auto* part : {&nodes_, &drained_})
    for (const auto& [id, each] : *part)
      for (const auto& [attempt, needs] : each.held)
        all.push_back(attempt);
  return all;
}

bool scheduler_reference::possible(const ready_task& task) const {
  return nodes_.empty() || std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& entry) {
           return entry.second.total.fits(task.needs) && gives(entry.second.offers, task.sandbox)
                  && is_labelled(entry.second.labels, task.labels);
         });
}

void scheduler_reference::reject_impossible(scheduling_actions& out) {
  std::erase_if(waiting_, [&](const ready_task& task) {
    if (possible(task))
      return false;
    out.emplace_back(reject{task.run, task.task, task.attempt, {}});
    return true;
  });
}

std::map<node_id, scheduler_reference::node>::iterator
scheduler_reference::best(const ready_task& task) {
  auto chosen = nodes_.end();
  candidate winner;
  for (auto it = nodes_.begin(); it != nodes_.end(); ++it) {
    candidate other{it->first, static_cast<std::uint32_t>(it->second.held.size()), 0};
    for (const auto& [id, bytes] : task.local_bytes)
      if (id == it->first)
        other.local_bytes = bytes;
    if (it->second.alive && it->second.free().fits(task.needs)
        && gives(it->second.offers, task.sandbox) && is_labelled(it->second.labels, task.labels)
        && (chosen == nodes_.end() || is_better(other, winner))) {
      chosen = it;
      winner = other;
    }
  }
  return chosen;
}

scheduling_actions scheduler_reference::decide() {
  scheduling_actions out;
  reject_impossible(out);
  std::stable_sort(waiting_.begin(), waiting_.end(), [](const ready_task& a, const ready_task& b) {
    return a.priority != b.priority ? a.priority > b.priority
                                    : a.attempt.counter < b.attempt.counter;
  });
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto to = best(*it);
    if (to == nodes_.end()) {
      ++it;
      continue;
    }
    to->second.held[it->attempt] = it->needs;
    out.emplace_back(assign{it->run, it->task, it->attempt, to->first});
    it = waiting_.erase(it);
  }
  return out;
}

scheduling_actions scheduler_reference::submit(const std::vector<ready_task>& tasks) {
  waiting_.insert(waiting_.end(), tasks.begin(), tasks.end());
  return decide();
}

scheduling_actions scheduler_reference::node_joined(node_id id, const resources& total,
                                                    const sandbox_offer& offers,
                                                    const node_labels& labels) {
  drained_.erase(id);
  nodes_[id] = {.total = total, .offers = offers, .labels = labels, .alive = true, .held = {}};
  return decide();
}

scheduling_actions scheduler_reference::node_lost(node_id id) {
  drained_.erase(id);
  if (const auto found = nodes_.find(id); found != nodes_.end()) {
    found->second.alive = false;
    found->second.held.clear();
  }
  return decide();
}

scheduling_actions scheduler_reference::node_drained(node_id id) {
  if (const auto found = nodes_.find(id); found != nodes_.end()) {
    if (found->second.alive)
      drained_[id] = found->second;
    nodes_.erase(found);
  }
  return decide();
}

scheduling_actions scheduler_reference::attempts_ended(const std::vector<attempt_id>& attempts) {
  for (const auto& attempt : attempts) {
    std::erase_if(waiting_, [&](const ready_task& task) { return task.attempt == attempt; });
    for (auto* part : {&nodes_, &drained_})
      for (auto& [id, each] : *part)
        each.held.erase(attempt);
  }
  return decide();
}

namespace {

/// Assignments in their order, and the rejected ones in that of their tokens.
std::pair<std::vector<assign>, std::vector<attempt_id>> sorted(const scheduling_actions& actions) {
  std::pair<std::vector<assign>, std::vector<attempt_id>> out;
  for (const auto& action : actions)
    if (const auto* to = std::get_if<assign>(&action))
      out.first.push_back(*to);
    else
      out.second.push_back(std::get<reject>(action).attempt);
  std::sort(out.second.begin(), out.second.end());
  return out;
}

/// Three texts that share a bit as labels of this name.
const std::vector<std::string>& texts_alike(const std::string& name) {
  static std::map<std::string, std::vector<std::string>> known;
  auto& out = known[name];
  for (int i = 0; out.size() < 3; ++i)
    if (label_bits({{name, std::to_string(i)}}) == label_bits({{name, "0"}}))
      out.push_back(std::to_string(i));
  return out;
}

class duel {
public:
  explicit duel(std::uint64_t seed) : fate_(seed) {}

  void step() {
    const node_id node{fate_.below(6)};
    switch (fate_.below(20)) {
    case 0: {
      const auto total = draw(8);
      const auto offers = draw_offer(70);
      const auto labels = draw_labels(70);
      return same(sut_.node_joined(node, total, offers, labels),
                  plain_.node_joined(node, total, offers, labels));
    }
    case 1:
      return same(sut_.node_lost(node), plain_.node_lost(node));
    case 2:
      if (fate_.percent(30))
        return same(sut_.node_drained(node), plain_.node_drained(node));
      [[fallthrough]];
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8: {
      std::vector<ready_task> batch;
      for (auto more = 1 + fate_.below(6); more > 0; --more)
        batch.push_back(draw_task());
      const auto alone = batch.size() == 1;
      return same(alone ? sut_.submit(batch.front()) : sut_.submit(batch), plain_.submit(batch));
    }
    default: {
      const auto known = plain_.known();
      if (known.empty())
        return;
      std::vector<attempt_id> some;
      for (auto more = 1 + fate_.below(3); more > 0; --more)
        some.push_back(known[fate_.below(static_cast<std::uint32_t>(known.size()))]);
      return same(sut_.attempts_ended(some), plain_.attempts_ended(some));
    }
    }
  }

private:
  resources draw(std::uint32_t most) {
    return {.cpu_millis = fate_.below(most + 1) * 500,
            .memory = {fate_.below(most + 1)},
            .gpus = fate_.percent(20) ? fate_.below(3) : 0};
  }

  /// Each part with this chance.
  sandbox_offer draw_offer(std::uint32_t percent) {
    sandbox_offer out{.sealed = fate_.percent(percent),
                      .cpu_shares = fate_.percent(percent),
                      .container = fate_.percent(percent)};
    for (const char* name : {"A", "B"})
      if (fate_.percent(percent))
        out.variables.emplace_back(name);
    for (const permission each : all_permissions())
      if (fate_.percent(percent))
        out.permissions.add(each);
    return out;
  }

  /// Each of two with this chance, of texts that the scheduler's bits cannot tell apart.
  node_labels draw_labels(std::uint32_t percent) {
    node_labels out;
    for (const char* name : {"x", "y"})
      if (fate_.percent(percent))
        out.emplace(name, texts_alike(name)[fate_.below(3)]);
    return out;
  }

  ready_task draw_task() {
    ready_task task{.run = run_id{1},
                    .task = task_id{next_},
                    .attempt = {1, next_},
                    .needs = draw(4),
                    .priority = static_cast<std::int32_t>(fate_.below(3)) - 1,
                    .local_bytes = {}};
    if (fate_.percent(40))
      task.sandbox = draw_offer(15);
    if (fate_.percent(40))
      task.labels = draw_labels(40);
    ++next_;
    for (std::uint64_t node = 0; node < 6; ++node)
      if (fate_.percent(20))
        task.local_bytes.emplace_back(node_id{node}, fate_.below(3));
    return task;
  }

  void same(const scheduling_actions& got, const scheduling_actions& expected) {
    sut_.check_invariants();
    rule(sorted(got) == sorted(expected), "the scheduler decides as its plain form does");
    rule(sut_.waiting() == plain_.waiting() && sut_.active() == plain_.active(),
         "the scheduler counts as its plain form does");
  }

  dice fate_;
  scheduler sut_{{.prefetch = 0, .passes_max = 0xffffffff}};
  scheduler_reference plain_;
  std::uint64_t next_ = 1;
};

} // namespace

void compare_with_reference(std::uint64_t seed) {
  duel history(seed);
  for (int i = 0; i < 150; ++i)
    history.step();
}

} // namespace maze::sim
