#include "maze/core/scheduler_books.hpp"

#include "maze/core/ensure.hpp"

#include <limits>
#include <utility>

namespace maze::core {
namespace {

/// `a - b`, kind by kind, never below zero.
resources less(const resources& a, const resources& b) noexcept {
  const auto rest = [](auto x, auto y) { return x > y ? x - y : decltype(x){0}; };
  return {.cpu_millis = rest(a.cpu_millis, b.cpu_millis),
          .memory = {rest(a.memory.value, b.memory.value)},
          .gpus = rest(a.gpus, b.gpus)};
}

} // namespace

resources scheduler_books::node_book::free() const noexcept {
  return less(less(total, used), unknown);
}

std::size_t scheduler_books::shape_hash::operator()(const likeness& x) const noexcept {
  std::uint64_t mixed = static_cast<std::uint32_t>(x.priority);
  const amounts& needs = x.needs;
  for (const auto part :
       {std::uint64_t{needs.cpu_millis} << 32 | needs.gpus, needs.memory, needs.bits, needs.labels})
    mixed = (mixed ^ part) * 0x9e3779b97f4a7c15U ^ (mixed >> 29);
  return static_cast<std::size_t>(mixed);
}

// --- records and lists ------------------------------------------------------------------------------

void scheduler_books::push(record_list& list, link x) noexcept {
  at(x).previous = list.tail;
  at(x).next = none;
  (list.tail == none ? list.head : at(list.tail).next) = x;
  list.tail = x;
  ++list.size;
}

void scheduler_books::insert_by_age(record_list& list, link x) noexcept {
  link later = list.head;
  while (later != none && at(later).sequence < at(x).sequence)
    later = at(later).next;
  if (later == none)
    return push(list, x);
  const link earlier = at(later).previous;
  at(x).previous = earlier;
  at(x).next = later;
  (earlier == none ? list.head : at(earlier).next) = x;
  at(later).previous = x;
  ++list.size;
}

void scheduler_books::unlink(record_list& list, link x) noexcept {
  const auto& gone = at(x);
  (gone.previous == none ? list.head : at(gone.previous).next) = gone.next;
  (gone.next == none ? list.tail : at(gone.next).previous) = gone.previous;
  --list.size;
}

void scheduler_books::release(link x) {
  attempts.erase(at(x).task.attempt);
  at(x).task.local_bytes = {};
  at(x).task.labels = {};
  free_records_.push_back(x);
}

// --- waiting tasks ----------------------------------------------------------------------------------

scheduler_books::shape_key scheduler_books::key_of(link shape_at) const noexcept {
  const auto& here = shapes_[shape_at];
  return {-std::int64_t{here.kind.priority}, records_[here.queue.head].sequence, shape_at};
}

void scheduler_books::enqueue(const ready_task& task) {
  if (attempts.count(task.attempt) != 0)
    return;
  const auto sandbox = offer_bits_.of(task.sandbox);
  const auto label_mask = label_bits(task.labels);
  if (impossible(amounts_of(task.needs, sandbox, label_mask), task.labels))
    return decide_rejection(task);
  link made = static_cast<link>(records_.size());
  if (free_records_.empty()) {
    records_.emplace_back();
  } else {
    made = free_records_.back();
    free_records_.pop_back();
  }
  at(made).task = task;
  at(made).sandbox = sandbox;
  at(made).label_mask = label_mask;
  at(made).sequence = next_sequence_++;
  attempts.emplace(task.attempt, made);
  wait(made);
}

void scheduler_books::wait(link x) {
  likeness kind{at(x).needs(), at(x).task.priority, at(x).task.labels};
  const auto [found, is_new] = shape_of_.try_emplace(kind, link{none});
  if (is_new) {
    if (free_shapes_.empty()) {
      found->second = static_cast<link>(shapes_.size());
      shapes_.emplace_back();
    } else {
      found->second = free_shapes_.back();
      free_shapes_.pop_back();
    }
    shapes_[found->second] = shape{std::move(kind), {}, 0};
  }
  const link shape_at = found->second;
  auto& here = shapes_[shape_at];
  at(x).where = place::waiting;
  at(x).owner = shape_at;
  const link old_head = here.queue.head;
  if (old_head != none && at(old_head).sequence > at(x).sequence) {
    const bool fresh = fresh_.erase(key_of(shape_at)) != 0;
    order_.erase(key_of(shape_at));
    insert_by_age(here.queue, x);
    order_.insert(key_of(shape_at), complement(here.kind.needs));
    if (fresh)
      fresh_.insert(key_of(shape_at));
  } else if (old_head != none && at(here.queue.tail).sequence > at(x).sequence) {
    insert_by_age(here.queue, x);
  } else {
    push(here.queue, x);
  }
  if (old_head == none) {
    order_.insert(key_of(shape_at), complement(here.kind.needs));
    fresh_.insert(key_of(shape_at));
  }
  ++waiting;
}

void scheduler_books::stop_waiting(link x) {
  const link shape_at = at(x).owner;
  auto& here = shapes_[shape_at];
  const bool was_head = here.queue.head == x;
  if (was_head) {
    order_.erase(key_of(shape_at));
    fresh_.erase(key_of(shape_at));
    here.passed_over = 0;
  }
  unlink(here.queue, x);
  --waiting;
  if (was_head && here.queue.size > 0)
    order_.insert(key_of(shape_at), complement(here.kind.needs));
  if (reservation_ && reservation_->attempt == at(x).task.attempt)
    end_reservation();
  drop_if_empty(shape_at);
}

void scheduler_books::drop_if_empty(link shape_at) {
  const auto& here = shapes_[shape_at];
  if (here.queue.size > 0)
    return;
  shape_of_.erase(here.kind);
  free_shapes_.push_back(shape_at);
}

// --- attempts on nodes ------------------------------------------------------------------------------

std::optional<scheduler_books::link> scheduler_books::find_node(node_id node) const noexcept {
  const auto found = node_of_.find(node);
  return found == node_of_.end() ? std::nullopt : std::optional(found->second);
}

void scheduler_books::leave_node(link x) {
  auto& node = nodes_[at(x).owner];
  if (at(x).where == place::running) {
    unlink(node.running, x);
    node.used = less(node.used, at(x).task.needs);
  } else {
    unlink(node.ahead, x);
  }
  --active;
}

void scheduler_books::start_ahead(node_book& node) noexcept {
  while (node.ahead.size > 0 && node.free().fits(at(node.ahead.head).task.needs)) {
    const link next = node.ahead.head;
    unlink(node.ahead, next);
    push(node.running, next);
    at(next).where = place::running;
    node.used.give_back(at(next).task.needs);
  }
}

void scheduler_books::index(link node_at) {
  auto& node = nodes_[node_at];
  if (node.roomy_key)
    roomy_.erase(*node.roomy_key);
  if (node.queueable_key)
    queueable_.erase(*node.queueable_key);
  node.roomy_key.reset();
  node.queueable_key.reset();
  if (!node.takes_more())
    return;
  const node_key key{node.active(), node.id, node_at};
  if (node.ahead.size == 0) {
    roomy_.insert(key, node.has_free());
    node.roomy_key = key;
  }
  if (node.ahead.size < prefetch_of(node)) {
    queueable_.insert(key, node.has_in_all());
    node.queueable_key = key;
  }
}

std::uint32_t scheduler_books::prefetch_of(const node_book& node) const noexcept {
  return std::max(options.prefetch, options.prefetch_per_core * (node.total.cpu_millis / 1000));
}

void scheduler_books::offer_capacity(link node_at) {
  index(node_at);
  const auto& node = nodes_[node_at];
  amounts most{};
  if (node.reserved || node.queueable_key)
    most = node.has_in_all();
  else if (node.roomy_key)
    most = node.has_free();
  else
    return;
  gained_ = gained_ ? larger(*gained_, most) : most;
}

void scheduler_books::forget(attempt_id attempt) {
  const auto found = attempts.find(attempt);
  if (found == attempts.end())
    return;
  const link x = found->second;
  if (at(x).where == place::waiting) {
    stop_waiting(x);
  } else {
    const link node_at = at(x).owner;
    leave_node(x);
    auto& node = nodes_[node_at];
    node.unknown = {};
    node.refusing = false;
    start_ahead(node);
    offer_capacity(node_at);
  }
  release(x);
}

void scheduler_books::set_unknown(node_book& node, const resources& free) noexcept {
  node.unknown = less(less(node.total, free), node.used);
}

void scheduler_books::take_back_refused(attempt_id attempt, const resources& free) {
  const auto found = attempts.find(attempt);
  if (found == attempts.end() || at(found->second).where == place::waiting)
    return;
  const link x = found->second;
  const link node_at = at(x).owner;
  leave_node(x);
  auto& node = nodes_[node_at];
  set_unknown(node, free);
  node.refusing = true;
  start_ahead(node);
  index(node_at);
  wait(x);
  // The node may have been the last that could, and was drained.
  if (impossible(at(x).needs(), at(x).task.labels)) {
    decide_rejection(at(x).task);
    stop_waiting(x);
    release(x);
  }
}

// --- nodes ------------------------------------------------------------------------------------------

void scheduler_books::clear(link node_at) {
  auto& node = nodes_[node_at];
  for (auto* list : {&node.running, &node.ahead})
    while (list->size > 0) {
      const link x = list->head;
      leave_node(x);
      release(x);
    }
  node.used = {};
  node.unknown = {};
  node.refusing = false;
  if (node.reserved)
    end_reservation();
}

void scheduler_books::join(node_id node, const resources& total, const sandbox_offer& offers,
                           node_labels labels) {
  const auto [found, is_new] = node_of_.try_emplace(node, link{none});
  const bool was_able = !is_new && !nodes_[found->second].drained;
  const auto before = was_able ? nodes_[found->second].has_in_all() : amounts{};
  const bool first_of_all = able_.empty();
  if (is_new) {
    if (free_nodes_.empty()) {
      found->second = static_cast<link>(nodes_.size());
      nodes_.emplace_back();
    } else {
      found->second = free_nodes_.back();
      free_nodes_.pop_back();
    }
    nodes_[found->second] = {};
    nodes_[found->second].id = node;
  } else {
    clear(found->second);
    if (was_able) {
      able_.erase(node);
      if (nodes_[found->second].alive)
        present_.erase(node);
    }
  }
  auto& book = nodes_[found->second];
  book.total = total;
  book.offers = offer_bits_.of(offers);
  const bool lacks_labels = was_able && !has_labels(labels, book.labels);
  book.labels = std::move(labels);
  book.label_mask = label_bits(book.labels);
  book.alive = true;
  book.drained = false;
  able_.insert(node, book.has_in_all());
  present_.insert(node, book.has_in_all());
  offer_capacity(found->second);
  if (first_of_all || lacks_labels || !covers(book.has_in_all(), before))
    reject_impossible();
}

void scheduler_books::lose(node_id node) {
  const auto found = find_node(node);
  if (!found || !nodes_[*found].alive)
    return;
  auto& book = nodes_[*found];
  if (!book.drained)
    present_.erase(node);
  book.alive = false;
  clear(*found);
  index(*found);
  if (book.drained) {
    node_of_.erase(node);
    free_nodes_.push_back(*found);
  }
}

void scheduler_books::drain(node_id node) {
  const auto found = find_node(node);
  if (!found || nodes_[*found].drained)
    return;
  auto& book = nodes_[*found];
  book.drained = true;
  able_.erase(node);
  if (book.alive)
    present_.erase(node);
  if (book.reserved)
    end_reservation();
  index(*found);
  if (!book.alive) {
    node_of_.erase(node);
    free_nodes_.push_back(*found);
  }
  reject_impossible();
}

void scheduler_books::hear(node_id node, const resources& free) {
  const auto found = find_node(node);
  if (!found || !nodes_[*found].alive)
    return;
  auto& book = nodes_[*found];
  set_unknown(book, free);
  book.refusing = false;
  start_ahead(book);
  offer_capacity(*found);
}

void scheduler_books::reject_impossible() {
  std::optional<shape_key> next = order_.first();
  while (next) {
    const link shape_at = next->shape;
    const auto& kind = shapes_[shape_at].kind;
    const auto key = *next;
    next = order_.next_covering(key, {});
    if (!impossible(kind.needs, kind.labels))
      continue;
    for (auto left = shapes_[shape_at].queue.size; left > 0; --left) {
      const link x = shapes_[shape_at].queue.head;
      decide_rejection(at(x).task);
      stop_waiting(x);
      release(x);
    }
  }
}

} // namespace maze::core
