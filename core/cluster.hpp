#pragma once

#include "maze/core/ids.hpp"
#include "maze/core/journal_event.hpp"
#include "maze/core/node_labels.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/core/task_state.hpp"
#include "maze/core/units.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace maze::core {

/// A node asks to be taken in.
struct node_application {
  /// 1 to 64 bytes of printable ASCII without spaces.
  std::string name;
  resources total;
  /// Such that `check_labels` holds.
  node_labels labels;
  /// Grows with each start of the node's process and with each return after an expulsion.
  std::uint64_t incarnation = 0;
  /// What of sandboxes it can give; at most `sandbox_variables_max` variables.
  sandbox_offer offers{};

  friend bool operator==(const node_application&, const node_application&) = default;
  template <class Inspector>
  friend auto inspect(Inspector& f, node_application& x) {
    return f(x.name, x.total, x.labels, x.incarnation, x.offers);
  }
};

/// A node as the master knows it.
struct member {
  std::string name;
  resources total;
  node_labels labels;
  std::uint64_t incarnation = 0;
  session_id session;
  /// When it was admitted.
  instant since{};
  /// Gets no new attempts.
  bool draining = false;
  sandbox_offer offers{};

  friend bool operator==(const member&, const member&) = default;
};

/// A run as the master knows it.
struct run_record {
  std::string name;
  std::string client_id;
  run_state state = run_state::accepted;
  /// Counts the runs in the order of their acceptance, from 1.
  std::uint64_t number = 0;

  friend bool operator==(const run_record&, const run_record&) = default;
};

/// A node is no member any more: its link is to be ended, its attempts are lost. `fact` is durable
/// before anybody outside hears of it.
struct departure {
  node_left fact;
  session_id session;

  friend bool operator==(const departure&, const departure&) = default;
};

/// A node is a member.
struct admission {
  /// Durable before the node hears of it; not to be written again where `resumed`.
  node_joined fact;
  session_id session;
  /// The same incarnation was a member already: its session goes on.
  bool resumed = false;
  /// The older incarnation that the node replaced; comes first.
  std::optional<departure> replaced;
};

/// Decides which runs and nodes exist: mints their ids and sessions, keeps submits and joins
/// idempotent, remembers who was expelled.
///
/// One name, one member. A node that was lost gets its number back when it returns; one that left
/// does not. Whether a node still lives is decided by its link (`core::link`), which sees every frame;
/// the end of the link is told to `lose`. See core/README.md, "Members".
///
/// @note Not thread-safe; knows no clock. Equal seeds and events give equal ids.
class cluster {
public:
  struct options {
    /// Sessions that are over and remembered, with the names they had; the oldest go first.
    std::size_t departed_max = 4096;
  };

  explicit cluster(std::uint64_t seed) : cluster(seed, options{}) {}
  cluster(std::uint64_t seed, options settings) : seed_(seed), options_(settings) {}

  struct submitted {
    run_id run;
    /// False when the client had submitted the same id before.
    bool fresh = true;
  };
  /// Accepts a run; `client_id` submitted again gives the first run back. Fails with
  /// `invalid_argument` when it comes back under another name.
  result<submitted> submit(std::string_view name, std::string_view client_id);
  /// Records where a run is; `stale` when that state cannot follow the present one.
  result<void> run_changed(run_id run, run_state state);
  /// Forgets a run that has ended, its client id included; false for every other.
  bool forget(run_id run);

  /// Takes a node in. Fails with `invalid_argument` for one without cores or with a bad name or
  /// label, and with `stale` for an incarnation that is over or older than the last one of its name.
  result<admission> join(const node_application& asks, instant now);
  /// The node's link ended otherwise than by leaving: it may come back under a newer incarnation.
  /// Nothing if the session is not one of a member.
  std::optional<departure> lose(session_id session, const error& reason);
  /// The node goes because it wants to, or was asked to: it is forgotten but for its incarnation.
  std::optional<departure> leave(node_id node);
  /// Marks the node: it gets no new attempts. Fails with `not_found`.
  result<void> drain(node_id node);

  /// The member that speaks in this session.
  [[nodiscard]] std::optional<node_id> find(session_id session) const;
  /// What to tell who speaks in a session of no member: why it is over, as far as that is known.
  [[nodiscard]] error verdict(session_id session) const;

  /// The run that people mean by `text`: `last` (the youngest), an id, the name of a workflow (its
  /// youngest run), or the beginning of an id. Fails with `not_found`, or with `invalid_argument` where
  /// several ids begin so.
  [[nodiscard]] result<run_id> select_run(std::string_view text) const;
  /// The member that `text` means: an id as a number, or a name. Fails with `not_found`.
  [[nodiscard]] result<node_id> select_node(std::string_view text) const;

  [[nodiscard]] const std::map<run_id, run_record>& runs() const noexcept { return runs_; }
  [[nodiscard]] const std::map<node_id, member>& members() const noexcept { return members_; }
  void check_invariants() const;

private:
  /// What is remembered of a name that has no member now.
  struct former {
    std::uint64_t incarnation = 0;
    /// Kept for its return; nothing for one that left.
    std::optional<node_id> node;
    session_id last_session;
  };
  struct ended_session {
    std::string name;
    error reason;
  };

  departure remove(std::map<node_id, member>::iterator found, error reason, bool may_return);
  void remember(session_id session, ended_session ended);

  std::uint64_t seed_;
  options options_;
  std::uint64_t minted_ = 0;
  std::uint64_t next_node_ = 1;
  std::map<run_id, run_record> runs_;
  std::map<std::string, run_id, std::less<>> by_client_;
  std::map<node_id, member> members_;
  std::map<std::string, node_id, std::less<>> by_name_;
  std::map<session_id, node_id> by_session_;
  std::map<std::string, former, std::less<>> formers_;
  std::map<session_id, ended_session> ended_;
  std::deque<session_id> ended_order_;
};

} // namespace maze::core
