#include "sim/draws.hpp"
#include "sim/world.hpp"

#include <algorithm>
#include <utility>

namespace maze::sim {
using namespace core;

void world::join(std::size_t node) {
  auto& here = members_[node];
  if (here.alive)
    return;
  here.alive = true;
  here.drained = false;
  here.incarnation = hosts_.size();
  const std::uint32_t room = fate_.percent(50) ? 64 : fate_.below(3);
  hosts_.push_back(std::make_unique<host>(
      host{.number = node,
           .total = here.total,
           .slots = node_slots({.total = here.total, .waiting_max = room, .slots_max = 16}),
           .held = {},
           .executing = {},
           .lined_up = {},
           .gpus = {},
           .refused = {}}));
  perform(scheduler_.node_joined(node_id{node}, here.total));
  beat(here.incarnation);
}

void world::take_out(std::size_t node, bool zombie) {
  const auto at = members_[node].incarnation;
  if (!members_[node].alive || hosts_[at]->dead)
    return;
  const auto die = [this, at] { hosts_[at]->dead = true; };
  if (zombie)
    net_.after(std::chrono::milliseconds(2000 + fate_.below(4000)), die);
  else
    die();
  net_.after(std::chrono::milliseconds(fate_.below(2000)),
             [this, node, at] { notice_loss(node, at); });
}

void world::drain(std::size_t node) {
  auto& here = members_[node];
  if (!here.alive)
    return;
  here.drained = true;
  hosts_[here.incarnation]->draining = true;
  hosts_[here.incarnation]->slots.drain();
  perform(scheduler_.node_drained(node_id{node}));
}

void world::receive(std::size_t at, attempt_id attempt, const job& work) {
  auto& here = *hosts_[at];
  if (here.dead)
    return;
  // The other copy of an order that came twice.
  if (here.refused == std::pair(attempt, net_.now()))
    return;
  if (here.held.count(attempt) == 0 && fate_.percent(refusing_percent_))
    return refuse(at, attempt);
  here.held[attempt] = work;
  perform(at, here.slots.offered(attempt, work.needs));
}

void world::perform(std::size_t at, const slot_actions& actions) {
  auto& here = *hosts_[at];
  for (const auto& action : actions) {
    if (const auto* start = std::get_if<start_attempt>(&action)) {
      here.gpus.granted(start->attempt, start->gpus);
      execute(at, start->attempt, start->slot);
    } else if (const auto* next = std::get_if<line_up_attempt>(&action)) {
      here.gpus.granted(next->attempt, next->gpus);
      rule(here.lined_up.emplace(next->slot, next->attempt).second,
           "one attempt is lined up in a slot");
    } else if (const auto* back = std::get_if<recall_attempt>(&action)) {
      net_.after(std::chrono::milliseconds(fate_.below(20)),
                 [this, at, attempt = back->attempt, slot = back->slot] {
                   auto& from = *hosts_[at];
                   const auto found = from.lined_up.find(slot);
                   if (from.dead || found == from.lined_up.end() || found->second != attempt)
                     return;
                   from.lined_up.erase(found);
                   perform(at, from.slots.returned(attempt));
                 });
    } else {
      refuse(at, std::get<refuse_attempt>(action).attempt);
    }
  }
  if (here.slots.lined_up() > 0 && !std::exchange(here.ticking, true))
    net_.after(std::chrono::milliseconds(20), [this, at] { tick(at); });
}

void world::tick(std::size_t at) {
  auto& here = *hosts_[at];
  here.ticking = false;
  if (!here.dead)
    perform(at, here.slots.time_passed());
}

void world::execute(std::size_t at, attempt_id attempt, slot_id slot) {
  auto& here = *hosts_[at];
  const auto work = here.held.at(attempt);
  here.executing.emplace(attempt, slot);
  resources used;
  for (const auto& [each, where] : here.executing)
    used.give_back(here.held.at(each).needs);
  rule(here.total.fits(used), "what runs on a node fits it");
  here.gpus.begins(attempt, work.needs, here.total);
  auto& owner = runs_[work.run];
  if (owner.twin.find(attempt))
    owner.oracle.check_start(work.task, owner.twin.view_of(work.task));
  const std::function<void()> began = [this, work, attempt] {
    perform(work.run, runs_[work.run].twin.attempt_running(attempt, phase::execute, net_.now()));
  };
  net_.send(host_address(at), run_address(work.run), began);
  net_.echo(began);
  net_.after(std::chrono::milliseconds(1 + fate_.below(1500)),
             [this, at, attempt] { finish(at, attempt); });
}

void world::finish(std::size_t at, attempt_id attempt) {
  auto& here = *hosts_[at];
  if (here.dead || here.executing.count(attempt) == 0)
    return;
  const auto work = here.held.at(attempt);
  const auto to = run_address(work.run);
  if (fate_.percent(failing_percent_)) {
    static constexpr errc ways[] = {errc::exit_nonzero,  errc::transfer_error, errc::worker_crash,
                                    errc::timeout_wall,  errc::timeout_cpu,    errc::oom_killed,
                                    errc::transfer_error};
    const error reason{.code = ways[fate_.below(7)], .message = "drawn"};
    const std::function<void()> ended = [this, work, attempt, reason] {
      fail(work.run, attempt, reason);
    };
    net_.send(host_address(at), to, ended);
    net_.echo(ended);
    leave(at, attempt);
    return;
  }
  const auto output = std::to_string(attempt.counter);
  const auto files = draw_files(fate_, writing_percent_, work.task);
  const std::function<void()> published = [this, work, attempt, output, files, at] {
    publish(work.run, attempt, output, files, at);
  };
  net_.send(host_address(at), to, published);
  net_.echo(published);
}

void world::leave(std::size_t at, attempt_id attempt) {
  auto& here = *hosts_[at];
  if (here.dead || here.held.erase(attempt) == 0)
    return;
  here.gpus.left(attempt);
  std::erase_if(here.lined_up, [attempt](const auto& x) { return x.second == attempt; });
  if (const auto ran = here.executing.extract(attempt))
    if (const auto next = here.lined_up.extract(ran.mapped()))
      execute(at, next.mapped(), ran.mapped());
  const std::function<void()> left = [this, at, attempt] { attempt_left(attempt, at); };
  net_.send(host_address(at), scheduler_address, left);
  net_.echo(left);
  perform(at, here.slots.ended(attempt));
}

void world::refuse(std::size_t at, attempt_id attempt) {
  auto& here = *hosts_[at];
  here.held.erase(attempt);
  here.refused = {attempt, net_.now()};
  const auto free = fate_.percent(30) ? resources{} : here.slots.free();
  net_.send(host_address(at), scheduler_address, [this, at, attempt, free] {
    const auto found = home_.find(attempt);
    if (found == home_.end() || found->second != at)
      return;
    home_.erase(found);
    if (taken_back_.count(attempt) != 0)
      return perform(scheduler_.attempt_ended(attempt));
    queued_.insert(attempt);
    perform(scheduler_.refused(attempt, free));
  });
}

void world::beat(std::size_t at) {
  const auto& here = *hosts_[at];
  if (here.dead || std::all_of(runs_.begin(), runs_.end(), [](const run& each) {
        return each.oracle.ended();
      }))
    return;
  net_.after(std::chrono::seconds(1), [this, at] { beat(at); });
  net_.send(host_address(at), scheduler_address, [this, at, free = here.slots.free()] {
    const auto node = hosts_[at]->number;
    if (members_[node].alive && members_[node].incarnation == at)
      perform(scheduler_.node_reported(node_id{node}, free));
  });
}

} // namespace maze::sim
