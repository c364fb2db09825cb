#pragma once

#include "maze/core/session_ticket.hpp"
#include "maze/core/submission_rules.hpp"
#include "maze/io/identity.hpp"

#include <caf/actor_control_block.hpp>

#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace maze::actors {

/// Who came in by a connection, and what that entitles to.
struct principal {
  io::node_identity who;
  /// What its certificate permits: see `io::certified_identity`; everything on a UNIX socket.
  core::permission_set permitted = core::permission_set::all();
};

/// A connection that was let in: whose it is, and which actors of this node it reaches. Lives as long as the connection does.
/// @note Thread-safe.
class admission {
public:
  explicit admission(principal whose) : whose_(std::move(whose)) {}

  [[nodiscard]] const principal& whose() const noexcept { return whose_; }
  /// As rules have it.
  [[nodiscard]] core::submitter submitter() const;
  /// From now on what is sent to this actor arrives.
  void open(const caf::strong_actor_ptr& to);
  [[nodiscard]] bool reaches(caf::actor_id id) const;

private:
  const principal whose_;
  mutable std::mutex guards_reached_;
  std::set<caf::actor_id> reached_;
};

/// The connections that were let in, by their tickets.
/// @note Thread-safe.
class admission_book {
public:
  /// The book forgets it when nobody else holds it any more.
  /// @pre The ticket is not empty.
  std::shared_ptr<admission> enter(const core::session_ticket& ticket, principal whose);
  /// Null for a ticket of no connection that lives. Compares with all of them, whichever it is.
  [[nodiscard]] std::shared_ptr<admission> find(const core::session_ticket& ticket) const;

private:
  mutable std::mutex guards_entries_;
  std::vector<std::pair<core::session_ticket, std::weak_ptr<admission>>> entries_;
};

/// Null where `ticket` belongs to no connection of a process in this role. The error for it: `permission_denied`.
std::shared_ptr<admission> find_as(io::node_role role, const admission_book& book,
                                   const core::session_ticket& ticket);
core::error not_admitted(io::node_role role);

} // namespace maze::actors
