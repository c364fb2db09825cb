#include "sim/cluster_world.hpp"

#include "sim/draws.hpp"

#include <algorithm>

namespace maze::sim {
using namespace core;
using namespace std::chrono_literals;
namespace {

constexpr std::size_t events_max = 200'000;
/// Longer than anything in the network takes: after this a silence has a cause.
constexpr duration slack = 2s;

link::options small_windows(dice& fate) {
  link::options out;
  out.out.batch_items_max = 1 + fate.below(4);
  out.out.batch_bytes_max = fate.percent(30) ? 40 + fate.below(200) : link_frame::batch_bytes_limit;
  out.out.window_items = 2 + fate.below(30);
  out.in.early_max = 1 + fate.below(30);
  return out;
}

} // namespace

cluster_world::cluster_world(std::uint64_t seed)
    : fate_(seed),
      net_(fate_, 0),
      losing_percent_(fate_.below(3) * 15),
      doubled_percent_(fate_.below(3) * 10),
      failing_percent_(fate_.below(4) * 6),
      writing_percent_(fate_.below(3) * 35),
      prefetch_(fate_.below(3)),
      master_settings_(small_windows(fate_)),
      node_settings_(small_windows(fate_)),
      cluster_(seed, {.departed_max = 64}),
      scheduler_({.prefetch = prefetch_, .passes_max = 1 + fate_.below(20)}) {
  node_settings_.reconnect = node_settings_.lease;
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
    };
    runs_.push_back({tasks, graph_run(tasks, settings), run_oracle(tasks, settings), 0});
  }
  const auto nodes = 1 + fate_.below(4);
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint32_t cores = i == 0 ? 4 : 1 + fate_.below(4);
    places_.push_back({.total = {.cpu_millis = cores * 1000,
                                 .memory = {i == 0 ? 8U : 1 + fate_.below(8)},
                                 .gpus = i == 0 ? 3 : fate_.below(4)}});
  }
  draw_faults();
}

void cluster_world::draw_faults() {
  const auto soon = [this] { return std::chrono::milliseconds(fate_.below(12'000)); };
  const auto any = [this] { return fate_.below(static_cast<std::uint32_t>(places_.size())); };
  for (std::size_t i = 0; i < places_.size(); ++i)
    net_.after(i == 0 ? soon() / 8 : soon() / 2, [this, i] { start(i); });
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    net_.after(soon() / 4, [this, i] {
      on_master([this, i] { perform(i, runs_[i].twin.start(net_.now())); });
    });
    if (fate_.percent(15))
      net_.after(soon(), [this, i] {
        on_master([this, i] {
          if (!is_terminal(runs_[i].twin.state()))
            runs_[i].oracle.user_cancelled();
          const error enough{.code = errc::cancelled, .message = "enough"};
          perform(i, runs_[i].twin.cancel(enough, net_.now()));
        });
      });
  }
  for (auto faults = fate_.below(8); faults > 0; --faults)
    net_.after(soon(), [this, number = any(), kind = fate_.below(4)] {
      switch (kind) {
      case 0:
        return cut(number);
      case 1:
        return break_connection(number);
      case 2:
        return crash(number);
      default:
        return freeze(number);
      }
    });
  if (fate_.percent(15))
    net_.after(soon(), [this] {
      master_.frozen = true;
      master_.moved = net_.now();
      net_.after(std::chrono::milliseconds(1000 + fate_.below(9000)), [this] { thaw(master_); });
    });
  if (places_.size() > 1 && fate_.percent(25))
    net_.after(soon(),
               [this, number = 1 + fate_.below(static_cast<std::uint32_t>(places_.size() - 1))] {
                 on_master([this, number] { drain(number); });
               });
}

void cluster_world::live() {
  std::size_t events = 0;
  instant quiet{};
  while (net_.step()) {
    check_all();
    rule(++events < events_max, "a cluster comes to rest");
    if (!runs_ended())
      quiet = net_.now();
    // Long enough for every fault to be over and everybody to be back.
    if (net_.now() > std::max(quiet, instant(25s)) + 25s)
      break;
  }
  check_end();
  for (const auto& [session, each] : seats_)
    happened_.resent += each.end->outbox().resent();
}

bool cluster_world::runs_ended() const {
  return std::all_of(runs_.begin(), runs_.end(),
                     [](const run& each) { return each.oracle.ended(); });
}

// --- the network and the machines ---------------------------------------------------------------------

void cluster_world::on(machine& self, const happening& what) {
  if (self.frozen)
    self.missed.push_back(what);
  else
    what();
}

void cluster_world::carry(std::size_t number, bool up, const happening& what) {
  auto& at = places_[number];
  auto& lost = up ? at.lost_up : at.lost_down;
  // A connection that stands lets one of three frames through.
  if (lost < 2 && fate_.percent(losing_percent_)) {
    ++lost;
    return;
  }
  lost = 0;
  const auto arrive = [this, number, what] {
    if (!places_[number].cut)
      what();
  };
  net_.after(std::chrono::milliseconds(fate_.percent(5) ? fate_.below(1200) : 1 + fate_.below(20)),
             arrive);
  if (fate_.percent(doubled_percent_))
    net_.after(std::chrono::milliseconds(fate_.below(4000)), arrive);
}

void cluster_world::transmit(std::size_t number, bool up, const link_frame& frame,
                             std::size_t process) {
  carry(number, up, [this, up, frame, process] {
    if (!up) {
      auto& to = *processes_[process];
      if (!to.dead)
        on(to.self, [this, process, frame] {
          if (auto& end = processes_[process]->end)
            perform_at(process, end->received(frame, net_.now()));
        });
      return;
    }
    on_master([this, frame] {
      auto& from = seats_.at(frame.session);
      from.heard = net_.now();
      perform(frame.session, from.end->received(frame, net_.now()));
    });
  });
}

void cluster_world::cut(std::size_t number) {
  auto& at = places_[number];
  at.cut = true;
  if (fate_.percent(40))
    break_connection(number);
  net_.after(std::chrono::milliseconds(200 + fate_.below(12'000)), [this, number] {
    places_[number].cut = false;
    places_[number].troubled = net_.now();
  });
}

void cluster_world::break_connection(std::size_t number) {
  const auto at = places_[number].process;
  if (processes_.empty() || processes_[at]->number != number)
    return;
  const auto broken = processes_[at]->connection;
  const auto notice = [this] { return std::chrono::milliseconds(fate_.below(400)); };
  net_.after(notice(), [this, at, broken] {
    auto& here = *processes_[at];
    on(here.self, [this, at, broken] {
      auto& x = *processes_[at];
      if (x.dead || broken == 0 || x.connection != broken)
        return;
      x.connection = 0;
      perform_at(at, x.end->disconnected(net_.now()));
    });
  });
  net_.after(notice(), [this, broken] {
    on_master([this, broken] {
      for (auto& [session, each] : seats_)
        if (broken != 0 && each.connection == broken) {
          each.connection = 0;
          each.closed = net_.now();
          perform(session, each.end->disconnected(net_.now()));
        }
    });
  });
}

void cluster_world::crash(std::size_t number) {
  if (processes_.empty())
    return;
  auto& here = *processes_[places_[number].process];
  if (here.number != number || here.dead || here.left)
    return;
  if (fate_.percent(70))
    break_connection(number);
  here.dead = true;
  here.self.missed.clear();
  net_.after(std::chrono::milliseconds(fate_.below(8000)), [this, number] { start(number); });
}

void cluster_world::freeze(std::size_t number) {
  if (processes_.empty())
    return;
  auto& here = *processes_[places_[number].process];
  if (here.number != number || here.dead || here.self.frozen)
    return;
  here.self.frozen = true;
  here.self.moved = net_.now();
  net_.after(std::chrono::milliseconds(500 + fate_.below(10'000)),
             [this, self = &here.self] { thaw(*self); });
}

void cluster_world::thaw(machine& self) {
  self.frozen = false;
  self.moved = net_.now();
  while (!self.missed.empty()) {
    const auto next = std::move(self.missed.front());
    self.missed.pop_front();
    next();
  }
}

// --- rules --------------------------------------------------------------------------------------------

void cluster_world::check_all() const {
  cluster_.check_invariants();
  scheduler_.check_invariants();
  for (const auto& each : runs_)
    each.twin.check_invariants();
  for (const auto& [session, each] : seats_)
    if (!each.end->is_over())
      each.end->check_invariants();
  for (const auto& each : processes_)
    if (!each->dead) {
      each->slots.check_invariants();
      if (each->end)
        each->end->check_invariants();
    }
  check_places();
}

void cluster_world::check_places() const {
  std::map<session_id, std::vector<std::uint32_t>> asked;
  for (const auto& [attempt, session] : home_) {
    rule(cluster_.find(session).has_value(), "attempts are counted on members only");
    asked[session].push_back(orders_.at(attempt).needs.cpu_millis);
  }
  for (auto& [session, cores] : asked) {
    std::sort(cores.rbegin(), cores.rend());
    std::uint64_t sum = 0;
    for (std::size_t i = prefetch_; i < cores.size(); ++i)
      sum += cores[i];
    const auto& at = cluster_.members().at(*cluster_.find(session));
    rule(sum <= at.total.cpu_millis, "a node is given no more than allowed ahead");
  }
  for (const auto& each : processes_) {
    if (each->dead || !each->end || !cluster_.find(each->end->session()))
      continue;
    for (const auto& [attempt, order] : each->held) {
      const auto home = home_.find(attempt);
      rule(home != home_.end() && home->second == each->end->session(),
           "what a member holds is counted there");
    }
  }
  const bool awake = !master_.frozen && net_.now() > master_.moved + 3 * slack;
  for (const auto& [node, each] : cluster_.members()) {
    const auto& at = seats_.at(each.session);
    rule(!awake || net_.now() < at.heard + master_settings_.lease + slack,
         "a node that is silent past its lease is expelled");
    rule(!awake || at.connection != 0
             || net_.now() < at.closed + master_settings_.reconnect + slack,
         "a node whose link stays closed is expelled");
  }
}

void cluster_world::check_end() const {
  for (const auto& each : runs_) {
    each.oracle.check_end(each.twin);
    rule(each.twin.stale_refused() == each.stale, "what is refused as late is counted");
  }
  rule(scheduler_.waiting() == 0 && scheduler_.active() == 0, "the scheduler forgets what ended");
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const host& last = *processes_.at(places_[i].process);
    rule(last.number == i && !last.dead && !last.self.frozen, "every node is back");
    rule(last.held.empty() && last.slots.free() == places_[i].total, "a node is empty in the end");
    if (last.left) {
      rule(places_[i].drained, "only who was asked to leaves");
      continue;
    }
    rule(last.end && cluster_.find(last.end->session()).has_value(),
         "every node is a member in the end");
    const link& other = *seats_.at(last.end->session()).end;
    for (const link* end : {static_cast<const link*>(last.end.get()), &other})
      rule(end->outbox().queued_items() == 0 && end->outbox().flying_items() == 0,
           "everything is said and heard in the end");
  }
}

} // namespace maze::sim
