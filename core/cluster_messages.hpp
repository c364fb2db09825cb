#pragma once

#include "maze/core/attempt_order.hpp"
#include "maze/core/cut_stream.hpp"
#include "maze/core/digest.hpp"
#include "maze/core/error.hpp"
#include "maze/core/isolation.hpp"
#include "maze/core/phase_times.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_state.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace maze::core {

// --- what the master tells a node -----------------------------------------------------------------

/// Run these, each once its resources are free. Their runs were opened before.
struct run_orders {
  std::vector<attempt_order> orders;

  friend bool operator==(const run_orders&, const run_orders&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, run_orders& x) {
    return f(x.orders);
  }
};
/// Stop these, running or waiting; each is told as ended.
struct stop_orders {
  std::vector<attempt_id> attempts;

  friend bool operator==(const stop_orders&, const stop_orders&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, stop_orders& x) {
    return f(x.attempts);
  }
};
/// Orders of this run may follow. What its attempts have in common is a document that the node asks
/// for on the bulk plane.
struct open_run {
  run_id run;
  std::uint64_t document = 0;
  /// Bytes of the document.
  std::uint64_t size = 0;

  friend bool operator==(const open_run&, const open_run&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, open_run& x) {
    return f(x.run, x.document, x.size);
  }
};
/// The run ended: what still runs of it is stopped, its trees, views and values may go.
struct close_run {
  run_id run;

  friend bool operator==(const close_run&, const close_run&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, close_run& x) {
    return f(x.run);
  }
};
/// Take no new attempts; finish what runs, then leave.
struct drain_node {
  friend bool operator==(const drain_node&, const drain_node&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, drain_node&) {
    return f();
  }
};
/// Where a node serves blobs: `unix:/path` or `tcp:host:port`.
struct holder {
  node_id node;
  /// At most 256 bytes; empty: it serves no more.
  std::string endpoint;

  friend bool operator==(const holder&, const holder&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, holder& x) {
    return f(x.node, x.endpoint);
  }
};
/// Blobs may be fetched from these as well. Adds to what was told before.
struct name_holders {
  std::vector<holder> holders;

  friend bool operator==(const name_holders&, const name_holders&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, name_holders& x) {
    return f(x.holders);
  }
};

/// Nobody asks about these runs any more, so their logs may go; and no run that the master knows needs
/// these blobs.
struct drop_data {
  std::vector<run_id> runs;
  std::vector<digest> blobs;

  friend bool operator==(const drop_data&, const drop_data&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, drop_data& x) {
    return f(x.runs, x.blobs);
  }
};

/// Travels as one item of a link. Append alternatives, never reorder or change one.
using to_node =
    std::variant<run_orders, stop_orders, open_run, close_run, drain_node, name_holders, drop_data>;

// --- what a node tells the master -----------------------------------------------------------------

/// The attempt entered a phase.
struct order_entered {
  run_id run;
  attempt_id attempt;
  phase at = phase::pull;

  friend bool operator==(const order_entered&, const order_entered&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, order_entered& x) {
    return f(x.run, x.attempt, x.at);
  }
};
/// The attempt succeeded; every new blob of `files` lies in the master's store.
struct order_published {
  run_id run;
  attempt_id attempt;
  /// Encoded output dictionary `{key: value}`.
  std::string output;
  manifest_delta files;
  /// Paths that look like code or caches and are not part of `files`.
  std::vector<std::string> left_out;
  std::vector<cut_stream> cut;
  phase_times phases;
  core::isolation isolation;

  friend bool operator==(const order_published&, const order_published&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, order_published& x) {
    return f(x.run, x.attempt, x.output, x.files, x.left_out, x.cut, x.phases, x.isolation);
  }
};
/// The attempt ended without a result.
struct order_lost {
  run_id run;
  attempt_id attempt;
  error reason;
  std::vector<cut_stream> cut;
  phase_times phases;
  core::isolation isolation;

  friend bool operator==(const order_lost&, const order_lost&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, order_lost& x) {
    return f(x.run, x.attempt, x.reason, x.cut, x.phases, x.isolation);
  }
};
/// The attempts hold nothing here any more; `free` is what the node has left now.
struct orders_ended {
  std::vector<attempt_id> attempts;
  resources free;

  friend bool operator==(const orders_ended&, const orders_ended&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, orders_ended& x) {
    return f(x.attempts, x.free);
  }
};
/// The node does not take the attempts.
struct orders_refused {
  std::vector<attempt_id> attempts;
  resources free;
  /// It takes nothing at all any more.
  bool draining = false;

  friend bool operator==(const orders_refused&, const orders_refused&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, orders_refused& x) {
    return f(x.attempts, x.free, x.draining);
  }
};
/// What is free, said now and then.
struct free_reported {
  resources free;

  friend bool operator==(const free_reported&, const free_reported&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, free_reported& x) {
    return f(x.free);
  }
};
/// Nothing runs here any more and the node goes.
struct node_leaving {
  friend bool operator==(const node_leaving&, const node_leaving&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, node_leaving&) {
    return f();
  }
};

/// Travels as one item of a link. Append alternatives, never reorder or change one.
using to_master = std::variant<order_entered, order_published, order_lost, orders_ended,
                               orders_refused, free_reported, node_leaving>;

/// The binary form of core/README.md.
std::string encode_to_node(const to_node& message);
std::string encode_to_master(const to_master& message);
/// The inverse, from bytes that nobody vouches for. Fails with `malformed` or `limit_exceeded`, naming
/// the offset, or the path where a manifest breaks its rules.
result<to_node> decode_to_node(std::string_view encoded);
result<to_master> decode_to_master(std::string_view encoded);

} // namespace maze::core
