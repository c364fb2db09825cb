#include "maze/core/ensure.hpp"
#include "maze/core/placement.hpp"
#include "maze/core/scheduler_books.hpp"

#include <algorithm>
#include <utility>

namespace maze::core {
namespace {

resources resources_of(const amounts& x) noexcept {
  return {.cpu_millis = x.cpu_millis, .memory = {x.memory}, .gpus = x.gpus};
}

} // namespace

scheduling_actions scheduler_books::decide() {
  while (!fresh_.empty()) {
    const link shape_at = fresh_.begin()->shape;
    fresh_.erase(fresh_.begin());
    const bool more = shapes_[shape_at].queue.size > 1;
    if (place_head(shape_at) && more)
      fresh_.insert(key_of(shape_at));
  }
  while (gained_) {
    const auto gained = *std::exchange(gained_, std::nullopt);
    try_reserved();
    // Looked at anew after each placement: what is left in the cluster bounds what is worth a try.
    const auto wanted = [&] {
      return complement(smaller(gained, larger(roomy_.most(), queueable_.most())));
    };
    // What was tried in vain stays so in this round: nodes only fill up.
    std::optional<shape_key> failed;
    auto key = order_.first_covering(wanted());
    while (key) {
      if (!place_head(key->shape))
        failed = key;
      key = failed ? order_.next_covering(*failed, wanted()) : order_.first_covering(wanted());
    }
  }
  return std::exchange(decided_, {});
}

std::optional<scheduler_books::link> scheduler_books::choose(const record& x) const {
  if (const auto first = first_fitting(roomy_, x.needs(), x.task.labels))
    return choose_among(x, *first, true);
  if (const auto first = first_fitting(queueable_, x.needs(), x.task.labels))
    return choose_among(x, *first, false);
  return std::nullopt;
}

scheduler_books::link scheduler_books::choose_among(const record& x, const node_key& first,
                                                    bool at_once) const {
  candidate best{first.node, first.active, 0};
  link chosen = first.book;
  for (const auto& [id, bytes] : x.task.local_bytes) {
    const auto found = find_node(id);
    if (!found)
      continue;
    const auto& node = nodes_[*found];
    const auto& key = at_once ? node.roomy_key : node.queueable_key;
    const candidate other{id, node.active(), bytes};
    if (key && covers(at_once ? node.has_free() : node.has_in_all(), x.needs())
        && has_labels(node.labels, x.task.labels) && is_better(other, best)) {
      best = other;
      chosen = *found;
    }
  }
  return chosen;
}

bool scheduler_books::place_head(link shape_at) {
  const link x = shapes_[shape_at].queue.head;
  const auto node_at = choose(at(x));
  if (!node_at)
    return false;
  const auto passed = passed_over(shape_at);
  stop_waiting(x);
  assign_to(x, *node_at);
  if (passed && ++shapes_[*passed].passed_over >= options.passes_max && !reservation_)
    reserve(*passed);
  return true;
}

void scheduler_books::assign_to(link x, link node_at) {
  auto& node = nodes_[node_at];
  auto& placed = at(x);
  placed.owner = node_at;
  if (node.ahead.size == 0 && node.free().fits(placed.task.needs)) {
    placed.where = place::running;
    push(node.running, x);
    node.used.give_back(placed.task.needs);
  } else {
    placed.where = place::ahead;
    push(node.ahead, x);
  }
  ++active;
  index(node_at);
  decided_.emplace_back(assign{placed.task.run, placed.task.task, placed.task.attempt, node.id});
}

void scheduler_books::try_reserved() {
  if (!reservation_)
    return;
  const auto& node = nodes_[reservation_->node];
  const link node_at = reservation_->node;
  const link x = attempts.at(reservation_->attempt);
  if (node.refusing || node.ahead.size > 0 || !node.free().fits(at(x).task.needs))
    return;
  stop_waiting(x);
  assign_to(x, node_at);
}

std::optional<scheduler_books::link> scheduler_books::passed_over(link by_shape) const {
  // Only a task that some living node could hold is passed over; others wait for a node.
  const auto possible = complement(present_.most());
  auto front = order_.first_covering(possible);
  const auto has_a_node = [this](const likeness& x) {
    return first_fitting(present_, x.needs, x.labels).has_value();
  };
  while (front && !has_a_node(shapes_[front->shape].kind))
    front = order_.next_covering(*front, possible);
  return front && front->shape != by_shape ? std::optional(front->shape) : std::nullopt;
}

void scheduler_books::reserve(link shape_at) {
  const auto& first = at(shapes_[shape_at].queue.head);
  std::optional<candidate> best;
  link chosen = none;
  for (link i = 0; i < nodes_.size(); ++i) {
    const auto& node = nodes_[i];
    const candidate other{node.id, node.active(), 0};
    if (node.alive && !node.drained && covers(node.has_in_all(), first.needs())
        && has_labels(node.labels, first.task.labels) && (!best || is_better(other, *best))) {
      best = other;
      chosen = i;
    }
  }
  if (!best)
    return;
  nodes_[chosen].reserved = true;
  reservation_ = reservation{chosen, first.task.attempt};
  index(chosen);
}

void scheduler_books::end_reservation() {
  const link node_at = std::exchange(reservation_, std::nullopt)->node;
  nodes_[node_at].reserved = false;
  offer_capacity(node_at);
}

void scheduler_books::decide_rejection(const ready_task& task) {
  const amounts most = able_.most();
  const auto missing = offer_bits_.missing(task.sandbox, most.bits);
  std::uint64_t everywhere = ~std::uint64_t{0};
  bool fits_everywhere = true;
  for (const node_book& node : nodes_)
    if (!node.drained) {
      everywhere &= node.offers;
      fits_everywhere = fits_everywhere && node.total.fits(task.needs);
    }
  const auto draining = [this](const node_labels& labels) {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const node_book& node) {
      return node.alive && node.drained && has_labels(node.labels, labels);
    });
  };
  node_labels unknown;
  for (const auto& each : task.labels)
    if (const node_labels one{each}; !first_fitting(able_, {.labels = label_bits(one)}, one))
      unknown.insert(each);
  error reason = unplaceable(task.needs, resources_of(most));
  if (missing != sandbox_offer{})
    reason = unplaceable(missing);
  else if (!unknown.empty())
    reason = unplaceable(unknown, draining(unknown));
  else if ((task.sandbox != sandbox_offer{} || !task.labels.empty())
           && !violated(resources_of(most), task.needs))
    // What each node has is not what keeps the parts apart.
    reason = unplaceable(fits_everywhere ? resources{.cpu_millis = 0, .memory = {}, .gpus = 0}
                                         : task.needs,
                         offer_bits_.missing(task.sandbox, everywhere), task.labels);
  decided_.emplace_back(reject{task.run, task.task, task.attempt, std::move(reason)});
}

void scheduler_books::check_invariants() const {
  std::size_t found_waiting = 0;
  std::size_t found_active = 0;
  for (auto key = order_.first(); key; key = order_.next_covering(*key, {})) {
    const auto& here = shapes_[key->shape];
    ensure(*key == key_of(key->shape), "a shape stands in the order where its head belongs");
    ensure(!choose(records_[here.queue.head]), "nobody waits who could be placed");
    std::uint32_t length = 0;
    for (link x = here.queue.head; x != none; x = records_[x].next) {
      const auto& entry = records_[x];
      ++length;
      ensure(entry.where == place::waiting && entry.owner == key->shape
                 && likeness{entry.needs(), entry.task.priority, entry.task.labels} == here.kind,
             "a queue holds tasks of its shape");
      ensure(entry.next == none || entry.sequence < records_[entry.next].sequence,
             "a queue is in the order of arrival");
    }
    ensure(length == here.queue.size, "a queue knows its length");
    found_waiting += length;
  }
  ensure(shape_of_.size() == order_.size(), "a shape exists while one of its tasks waits");
  for (const auto& node : nodes_) {
    check_node(node);
    found_active += node.active();
  }
  ensure(found_waiting == waiting && found_active == active && waiting + active == attempts.size(),
         "an attempt waits or is on a node");
  ensure(fresh_.empty() && !gained_ && decided_.empty(), "an event leaves nothing undecided");
  ensure(!reservation_ || nodes_[reservation_->node].reserved,
         "a reservation is known to its node");
}

void scheduler_books::check_node(const node_book& node) const {
  resources used;
  for (link x = node.running.head; x != none; x = records_[x].next) {
    ensure(records_[x].where == place::running, "a running attempt knows that it runs");
    used.give_back(records_[x].task.needs);
  }
  ensure(used == node.used, "what a node uses is what its attempts need");
  ensure(node.total.fits(used), "a node is never overbooked");
  ensure(node.ahead.size <= prefetch_of(node), "no more is sent ahead than allowed");
  for (link x = node.ahead.head; x != none; x = records_[x].next)
    ensure(node.total.fits(records_[x].task.needs), "what was sent ahead fits the empty node");
  ensure(node.ahead.size == 0 || !node.free().fits(records_[node.ahead.head].task.needs),
         "nothing stays ahead that has its resources");
  ensure(node.alive || node.active() == 0, "a lost node holds nothing");
  ensure(!node.reserved || (reservation_ && nodes_[reservation_->node].id == node.id),
         "a node is reserved for the task of the reservation");
}

} // namespace maze::core
