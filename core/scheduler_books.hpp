#pragma once

#include "maze/core/fit_index.hpp"
#include "maze/core/offer_bits.hpp"
#include "maze/core/scheduler.hpp"

#include <compare>
#include <optional>
#include <set>
#include <unordered_map>

namespace maze::core {

/// The books of the scheduler and the moves that keep them balanced; `scheduler` turns events into
/// moves. Between two events no waiting task fits a node that may take it.
/// @note Internal to `scheduler`: use that.
struct scheduler_books {
  using link = std::uint32_t;
  static constexpr link none = 0xffffffff;

  /// A list of records, linked inside them.
  struct record_list {
    link head = none;
    link tail = none;
    std::uint32_t size = 0;
  };
  enum class place : std::uint8_t { waiting, running, ahead };
  /// An attempt: waiting in the queue of its shape, or on a node, running there as far as the books
  /// know or sent ahead of the resources that it needs.
  struct record {
    ready_task task;
    /// What its sandbox and its labels need.
    std::uint64_t sandbox = 0;
    std::uint64_t label_mask = 0;
    /// Order of submission.
    std::uint64_t sequence = 0;
    place where = place::waiting;
    /// Position of its shape or of its node.
    link owner = none;
    link previous = none;
    link next = none;

    [[nodiscard]] amounts needs() const noexcept {
      return amounts_of(task.needs, sandbox, label_mask);
    }
  };
  /// What tasks have in common that are alike to the scheduler.
  struct likeness {
    amounts needs;
    std::int32_t priority = 0;
    node_labels labels;

    friend bool operator==(const likeness&, const likeness&) = default;
  };
  /// Such tasks, in the order they became ready.
  struct shape {
    likeness kind;
    record_list queue;
    /// How often a task of another shape, later in order, went before its head.
    std::uint32_t passed_over = 0;
  };
  /// The order in which shapes are tried: by priority, then by the age of the head.
  struct shape_key {
    std::int64_t last = 0;
    std::uint64_t sequence = 0;
    link shape = none;

    friend auto operator<=>(const shape_key&, const shape_key&) = default;
  };
  struct node_key {
    std::uint32_t active = 0;
    node_id node;
    link book = none;

    friend auto operator<=>(const node_key&, const node_key&) = default;
  };
  struct node_book {
    node_id id;
    resources total;
    /// What of sandboxes it offers.
    std::uint64_t offers = 0;
    node_labels labels;
    std::uint64_t label_mask = 0;
    resources used;
    /// In use by the node's own word, but not by any attempt in the books.
    resources unknown;
    record_list running;
    /// In the order in which the node will start them.
    record_list ahead;
    bool alive = false;
    bool drained = false;
    /// Refused an attempt and has not been heard of since.
    bool refusing = false;
    bool reserved = false;
    /// Under which key it stands in `roomy` and `queueable`, if it does.
    std::optional<node_key> roomy_key;
    std::optional<node_key> queueable_key;

    [[nodiscard]] std::uint32_t active() const noexcept { return running.size + ahead.size; }
    [[nodiscard]] resources free() const noexcept;
    [[nodiscard]] amounts has_in_all() const noexcept {
      return amounts_of(total, offers, label_mask);
    }
    [[nodiscard]] amounts has_free() const noexcept {
      return amounts_of(free(), offers, label_mask);
    }
    [[nodiscard]] bool takes_more() const noexcept {
      return alive && !drained && !refusing && !reserved;
    }
  };
  struct reservation {
    link node = none;
    attempt_id attempt;
  };
  struct attempt_hash {
    std::size_t operator()(const attempt_id& x) const noexcept {
      return static_cast<std::size_t>((x.counter ^ (x.epoch << 48)) * 0x9e3779b97f4a7c15U);
    }
  };
  struct shape_hash {
    std::size_t operator()(const likeness& x) const noexcept;
  };

  explicit scheduler_books(scheduler::options chosen) : options(chosen) {}

  // --- tasks --------------------------------------------------------------------------------------

  /// Puts the task into its queue, or rejects it.
  void enqueue(const ready_task& task);
  /// The attempt leaves the books, wherever it is.
  void forget(attempt_id attempt);
  void take_back_refused(attempt_id attempt, const resources& free);

  // --- nodes --------------------------------------------------------------------------------------

  void join(node_id node, const resources& total, const sandbox_offer& offers, node_labels labels);
  void lose(node_id node);
  void drain(node_id node);
  void hear(node_id node, const resources& free);

  /// Places what can be placed after the moves of an event, and gives back all that was decided.
  scheduling_actions decide();

  void check_invariants() const;

  scheduler::options options;
  std::unordered_map<attempt_id, link, attempt_hash> attempts;
  std::size_t waiting = 0;
  std::size_t active = 0;

private:
  record& at(link x) noexcept { return records_[x]; }
  void push(record_list& list, link x) noexcept;
  void insert_by_age(record_list& list, link x) noexcept;
  void unlink(record_list& list, link x) noexcept;
  void release(link x);

  [[nodiscard]] shape_key key_of(link shape_at) const noexcept;
  void wait(link x);
  void stop_waiting(link x);
  void drop_if_empty(link shape_at);

  [[nodiscard]] std::optional<link> find_node(node_id node) const noexcept;
  void leave_node(link x);
  void start_ahead(node_book& node) noexcept;
  /// How many attempts the node may hold ahead of its resources.
  [[nodiscard]] std::uint32_t prefetch_of(const node_book& node) const noexcept;
  /// Brings the indexes in line with the book.
  void index(link node_at);
  /// What the node may take from now on is worth a look at the waiting tasks.
  void offer_capacity(link node_at);
  void set_unknown(node_book& node, const resources& free) noexcept;
  void clear(link node_at);

  [[nodiscard]] const node_book& book_of(const node_key& key) const { return nodes_[key.book]; }
  [[nodiscard]] const node_book& book_of(node_id node) const { return nodes_[node_of_.at(node)]; }
  /// The first node that has the amounts, and these labels rather than others with their bits.
  template <class Key>
  [[nodiscard]] std::optional<Key> first_fitting(const fit_index<Key>& index, const amounts& needs,
                                                 const node_labels& labels) const {
    auto key = index.first_covering(needs);
    while (key && !has_labels(book_of(*key).labels, labels))
      key = index.next_covering(*key, needs);
    return key;
  }
  /// Whether no node could ever run it; never while none is known.
  [[nodiscard]] bool impossible(const amounts& needs, const node_labels& labels) const {
    return !able_.empty() && !first_fitting(able_, needs, labels);
  }
  [[nodiscard]] std::optional<link> choose(const record& x) const;
  [[nodiscard]] link choose_among(const record& x, const node_key& first, bool at_once) const;
  bool place_head(link shape_at);
  void assign_to(link x, link node_at);
  void try_reserved();
  /// The first shape in order, if `by_shape` is about to go before it.
  [[nodiscard]] std::optional<link> passed_over(link by_shape) const;
  void reserve(link shape_at);
  void end_reservation();
  void reject_impossible();
  void decide_rejection(const ready_task& task);
  void check_node(const node_book& node) const;

  offer_bits offer_bits_;
  std::vector<record> records_;
  std::vector<link> free_records_;
  std::vector<shape> shapes_;
  std::vector<link> free_shapes_;
  std::unordered_map<likeness, link, shape_hash> shape_of_;
  /// Shapes that have waiting tasks, by the complement of their needs.
  fit_index<shape_key> order_;
  std::uint64_t next_sequence_ = 0;

  std::vector<node_book> nodes_;
  std::vector<link> free_nodes_;
  std::unordered_map<node_id, link> node_of_;
  /// Nodes with nothing ahead, by what is free.
  fit_index<node_key> roomy_;
  /// Nodes that may take one more ahead, by their total.
  fit_index<node_key> queueable_;
  /// All that were not drained, lost ones too because they may return, by their total.
  fit_index<node_id> able_;
  /// The same without the lost ones.
  fit_index<node_id> present_;

  std::optional<reservation> reservation_;
  /// Shapes that had nobody waiting before this event.
  std::set<shape_key> fresh_;
  /// The most that nodes gained in this event.
  std::optional<amounts> gained_;
  scheduling_actions decided_;
};

} // namespace maze::core
