#include "sim/world.hpp"

#include "sim/draws.hpp"

#include <fmt/format.h>

namespace maze::sim {
using namespace core;

world::world(std::uint64_t seed)
    : fate_(seed),
      net_(fate_, fate_.below(3) * 10),
      failing_percent_(fate_.below(4) * 8),
      writing_percent_(fate_.below(3) * 35),
      refusing_percent_(fate_.below(3) * 4),
      prefetch_(fate_.below(3)),
      scheduler_({.prefetch = prefetch_, .passes_max = 1 + fate_.below(20)}) {
  const auto runs = 1 + fate_.below(3);
  for (std::size_t i = 0; i < runs; ++i) {
    const auto tasks = std::make_shared<const graph>(draw_graph(fate_));
    const graph_run::options settings{
        .epoch = 1,
        .first_token = i * graph_run::tokens_max + 1,
        .offered_max = 1 + fate_.below(12),
        .retry_delay = {},
        .free_retries = fate_.below(4),
        .seed = fate_.next(),
        .conflicts = draw_policy(fate_),
        .snapshot = nullptr,
    };
    runs_.push_back({tasks, graph_run(tasks, settings), run_oracle(tasks, settings)});
  }
  const auto nodes = 1 + fate_.below(4);
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint32_t cores = i == 0 ? 4 : 1 + fate_.below(4);
    members_.push_back({.total = {.cpu_millis = cores * 1000,
                                  .memory = {i == 0 ? 8U : 1 + fate_.below(8)},
                                  .gpus = i == 0 ? 3 : fate_.below(4)}});
  }
  draw_faults();
}

void world::draw_faults() {
  const auto soon = [this] { return std::chrono::milliseconds(fate_.below(12'000)); };
  for (std::size_t i = 0; i < members_.size(); ++i)
    net_.after(i == 0 ? soon() / 4 : soon(), [this, i] { join(i); });
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    net_.after(soon() / 4, [this, i] { perform(i, runs_[i].twin.start(net_.now())); });
    if (fate_.percent(15))
      net_.after(soon(), [this, i] {
        auto& asked = runs_[i];
        if (!is_terminal(asked.twin.state()))
          asked.oracle.user_cancelled();
        perform(i, asked.twin.cancel({.code = errc::cancelled, .message = "enough"}, net_.now()));
      });
  }
  for (auto faults = fate_.below(4); faults > 0; --faults)
    net_.after(soon(), [this] {
      take_out(fate_.below(static_cast<std::uint32_t>(members_.size())), fate_.percent(50));
    });
  if (members_.size() > 1 && fate_.percent(20))
    net_.after(soon(),
               [this] { drain(1 + fate_.below(static_cast<std::uint32_t>(members_.size() - 1))); });
}

void world::live() {
  std::size_t events = 0;
  while (net_.step()) {
    check_all();
    rule(++events < events_max, "a world comes to rest");
  }
  check_end();
}

void world::check_all() const {
  for (const auto& each : runs_)
    each.twin.check_invariants();
  scheduler_.check_invariants();
  for (const auto& each : hosts_)
    each->slots.check_invariants();
}

void world::check_end() const {
  for (const auto& each : runs_)
    each.oracle.check_end(each.twin);
  rule(scheduler_.waiting() == 0 && scheduler_.active() == 0, "the scheduler forgets what ended");
  for (const auto& each : hosts_)
    rule(each->dead || (each->held.empty() && each->slots.free() == each->total),
         "a node is empty in the end");
}

// --- runs -------------------------------------------------------------------------------------------

void world::perform(std::size_t at, const run_step& step) {
  auto& here = runs_[at];
  here.oracle.observe(step, here.twin, tokens_);
  for (const auto& deed : step.todo) {
    if (const auto* ready = std::get_if<offer_task>(&deed))
      offer(at, *ready);
    else if (const auto* halt = std::get_if<stop_attempt>(&deed))
      net_.send(run_address(at), scheduler_address,
                [this, attempt = halt->attempt] { stop(attempt); });
    else if (const auto* wake = std::get_if<wake_at>(&deed))
      net_.at(wake->at, [this, at] { perform(at, runs_[at].twin.time_passed(net_.now())); });
  }
}

void world::offer(std::size_t at, const offer_task& deed) {
  const auto& spec = runs_[at].tasks->spec(deed.task);
  jobs_[deed.attempt] = {at, deed.task, spec.needs};
  ready_task ready{.run = run_id{at},
                   .task = deed.task,
                   .attempt = deed.attempt,
                   .needs = spec.needs,
                   .priority = spec.priority,
                   .local_bytes = {}};
  for (std::size_t i = 0; i < members_.size(); ++i)
    if (fate_.percent(20))
      ready.local_bytes.emplace_back(node_id{i}, fate_.below(3));
  net_.send(run_address(at), scheduler_address, [this, ready] {
    if (home_.count(ready.attempt) == 0)
      queued_.insert(ready.attempt);
    perform(scheduler_.submit(ready));
  });
}

void world::publish(std::size_t at, attempt_id attempt, const std::string& output,
                    const manifest_delta& files, std::size_t from) {
  auto& here = runs_[at];
  const auto holder = here.twin.find(attempt);
  here.oracle.publication_sent(attempt, output, files);
  const auto step = here.twin.publish(attempt, output, files, net_.now());
  if (holder)
    rule(step.has_value(), "the current attempt may publish");
  if (step) {
    rule(holder || step->facts.empty(), "a repeated publication changes nothing");
    perform(at, *step);
  }
  net_.send(run_address(at), host_address(from), [this, from, attempt] { leave(from, attempt); });
}

void world::fail(std::size_t at, attempt_id attempt, const error& reason) {
  if (const auto step = runs_[at].twin.attempt_ended(attempt, reason, net_.now()))
    perform(at, *step);
}

// --- scheduler --------------------------------------------------------------------------------------

void world::perform(const scheduling_actions& actions) {
  for (const auto& action : actions) {
    if (const auto* to = std::get_if<assign>(&action)) {
      place(*to);
      continue;
    }
    const auto& no = std::get<reject>(action);
    const auto& work = jobs_.at(no.attempt);
    queued_.erase(no.attempt);
    for (const auto& each : members_)
      rule(!each.alive || each.drained || !each.total.fits(work.needs),
           "what is rejected fits nowhere");
    net_.send(scheduler_address, run_address(work.run),
              [this, no] { fail(no.run.value, no.attempt, no.reason); });
  }
}

void world::place(const assign& action) {
  const auto node = action.node.value;
  const auto& to = members_[node];
  const auto work = jobs_.at(action.attempt);
  rule(to.alive && !to.drained, "work goes to living nodes that are not drained");
  rule(to.total.fits(work.needs), "a task goes where it fits");
  rule(queued_.erase(action.attempt) == 1, "a task is placed once");
  const auto at = to.incarnation;
  home_[action.attempt] = at;
  check_book(node);
  net_.send(scheduler_address, run_address(work.run), [this, work, action] {
    perform(work.run,
            runs_[work.run].twin.attempt_assigned(action.attempt, action.node, net_.now()));
  });
  net_.send(scheduler_address, host_address(at),
            [this, at, attempt = action.attempt, work] { receive(at, attempt, work); });
}

void world::check_book(std::size_t node) const {
  std::vector<std::uint32_t> asked;
  std::uint64_t cores = 0;
  for (const auto& [attempt, at] : home_)
    if (at == members_[node].incarnation && hosts_[at]->number == node) {
      asked.push_back(jobs_.at(attempt).needs.cpu_millis);
      cores += asked.back();
    }
  std::sort(asked.rbegin(), asked.rend());
  for (std::size_t i = 0; i < std::min<std::size_t>(prefetch_, asked.size()); ++i)
    cores -= asked[i];
  rule(cores <= members_[node].total.cpu_millis, "a node is given no more than allowed ahead");
}

void world::stop(attempt_id attempt) {
  const auto found = home_.find(attempt);
  if (found == home_.end()) {
    queued_.erase(attempt);
    perform(scheduler_.attempt_ended(attempt));
    return;
  }
  taken_back_.insert(attempt);
  const auto at = found->second;
  net_.send(scheduler_address, host_address(at), [this, at, attempt] { leave(at, attempt); });
}

void world::attempt_left(attempt_id attempt, std::size_t from) {
  const auto found = home_.find(attempt);
  if (found == home_.end() || found->second != from)
    return;
  home_.erase(found);
  perform(scheduler_.attempt_ended(attempt));
}

void world::notice_loss(std::size_t node, std::size_t incarnation) {
  auto& lost = members_[node];
  if (!lost.alive || lost.incarnation != incarnation)
    return;
  lost.alive = false;
  std::erase_if(home_, [incarnation](const auto& entry) { return entry.second == incarnation; });
  perform(scheduler_.node_lost(node_id{node}));
  for (std::size_t i = 0; i < runs_.size(); ++i)
    net_.send(scheduler_address, run_address(i),
              [this, i, node] { perform(i, runs_[i].twin.node_lost(node_id{node}, net_.now())); });
  net_.after(std::chrono::milliseconds(fate_.below(3000)), [this, node] { join(node); });
}

} // namespace maze::sim
