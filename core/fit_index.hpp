#pragma once

#include "maze/core/resources.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace maze::core {

/// Cores, memory and GPUs as numbers that compare one by one, and what is there or is not.
struct amounts {
  std::uint32_t cpu_millis = 0;
  std::uint32_t gpus = 0;
  std::uint64_t memory = 0;
  /// Compares as a set: see `offer_bits`.
  std::uint64_t bits = 0;
  /// The same of labels, where several share a bit: see `label_bits`.
  std::uint64_t labels = 0;

  friend bool operator==(const amounts&, const amounts&) = default;
};

inline amounts amounts_of(const resources& x, std::uint64_t bits = 0,
                          std::uint64_t labels = 0) noexcept {
  return {x.cpu_millis, x.gpus, x.memory.value, bits, labels};
}
/// Turns "at most" into "at least": `complement(a)` covers `complement(b)` where `b` covers `a`.
inline amounts complement(const amounts& x) noexcept {
  return {~x.cpu_millis, ~x.gpus, ~x.memory, ~x.bits, ~x.labels};
}
inline bool covers(const amounts& has, const amounts& asked) noexcept {
  return has.cpu_millis >= asked.cpu_millis && has.memory >= asked.memory && has.gpus >= asked.gpus
         && (asked.bits & ~has.bits) == 0 && (asked.labels & ~has.labels) == 0;
}
/// The most that both cover.
inline amounts smaller(const amounts& a, const amounts& b) noexcept {
  return {std::min(a.cpu_millis, b.cpu_millis), std::min(a.gpus, b.gpus),
          std::min(a.memory, b.memory), a.bits & b.bits, a.labels & b.labels};
}
/// The least that covers both.
inline amounts larger(const amounts& a, const amounts& b) noexcept {
  return {std::max(a.cpu_millis, b.cpu_millis), std::max(a.gpus, b.gpus),
          std::max(a.memory, b.memory), a.bits | b.bits, a.labels | b.labels};
}

/// An ordered set of keys with amounts, which finds the first key whose amounts cover what is asked.
///
/// A treap whose nodes know the largest amounts below them, so that a search leaves out whole
/// subtrees: O(log n) to insert and erase; to find, O(log n) where one kind of amount decides, and
/// more only where many keys have enough of each kind but never at once.
/// Source: Seidel, Aragon, "Randomized Search Trees", Algorithmica 16 (1996).
template <class Key>
class fit_index {
public:
  /// @pre The set has no such key.
  void insert(const Key& key, const amounts& has) {
    const auto made = make(key, has);
    const auto [before, rest] = split(root_, key);
    root_ = merge(merge(before, made), rest);
    ++size_;
  }
  /// @pre The set has this key.
  void erase(const Key& key) {
    root_ = erase_below(root_, key);
    --size_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// The largest amount of each kind that any key has; zeros for none.
  [[nodiscard]] amounts most() const noexcept { return root_ == none ? amounts{} : at(root_).most; }
  [[nodiscard]] std::optional<Key> first() const { return first_covering({}); }
  [[nodiscard]] std::optional<Key> first_covering(const amounts& asked) const {
    return key_of(find(root_, asked));
  }
  /// The same among the keys after `key`.
  [[nodiscard]] std::optional<Key> next_covering(const Key& key, const amounts& asked) const {
    return key_of(find_after(root_, key, asked));
  }

private:
  using link = std::uint32_t;
  static constexpr link none = 0xffffffff;

  struct node {
    Key key;
    amounts has;
    amounts most;
    link left = none;
    link right = none;
    std::uint32_t weight = 0;
  };

  node& at(link x) noexcept { return nodes_[x]; }
  const node& at(link x) const noexcept { return nodes_[x]; }
  std::optional<Key> key_of(link x) const {
    return x == none ? std::nullopt : std::optional<Key>(at(x).key);
  }

  link make(const Key& key, const amounts& has) {
    // Xorshift: the shape of the tree must not depend on the keys, and must repeat from run to run.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    const node fresh{key, has, has, none, none, random_};
    if (free_.empty()) {
      nodes_.push_back(fresh);
      return static_cast<link>(nodes_.size() - 1);
    }
    const link reused = free_.back();
    free_.pop_back();
    at(reused) = fresh;
    return reused;
  }

  link refresh(link x) noexcept {
    auto& here = at(x);
    here.most = here.has;
    if (here.left != none)
      here.most = larger(here.most, at(here.left).most);
    if (here.right != none)
      here.most = larger(here.most, at(here.right).most);
    return x;
  }

  std::pair<link, link> split(link x, const Key& key) {
    if (x == none)
      return {none, none};
    if (at(x).key < key) {
      const auto [before, rest] = split(at(x).right, key);
      at(x).right = before;
      return {refresh(x), rest};
    }
    const auto [before, rest] = split(at(x).left, key);
    at(x).left = rest;
    return {before, refresh(x)};
  }

  link merge(link a, link b) {
    if (a == none || b == none)
      return a == none ? b : a;
    if (at(a).weight > at(b).weight) {
      at(a).right = merge(at(a).right, b);
      return refresh(a);
    }
    at(b).left = merge(a, at(b).left);
    return refresh(b);
  }

  link erase_below(link x, const Key& key) {
    if (at(x).key < key)
      at(x).right = erase_below(at(x).right, key);
    else if (key < at(x).key)
      at(x).left = erase_below(at(x).left, key);
    else {
      free_.push_back(x);
      return merge(at(x).left, at(x).right);
    }
    return refresh(x);
  }

  link find(link x, const amounts& asked) const noexcept {
    if (x == none || !covers(at(x).most, asked))
      return none;
    if (const link left = find(at(x).left, asked); left != none)
      return left;
    return covers(at(x).has, asked) ? x : find(at(x).right, asked);
  }

  link find_after(link x, const Key& key, const amounts& asked) const noexcept {
    if (x == none || !covers(at(x).most, asked))
      return none;
    if (!(key < at(x).key))
      return find_after(at(x).right, key, asked);
    if (const link left = find_after(at(x).left, key, asked); left != none)
      return left;
    return covers(at(x).has, asked) ? x : find(at(x).right, asked);
  }

  std::vector<node> nodes_;
  std::vector<link> free_;
  link root_ = none;
  std::size_t size_ = 0;
  std::uint32_t random_ = 2463534242;
};

} // namespace maze::core
