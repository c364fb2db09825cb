#include "maze/actors/admission.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

core::submitter admission::submitter() const {
  return {.name = io::to_string(whose_.who), .permitted = whose_.permitted};
}

void admission::open(const caf::strong_actor_ptr& to) {
  const std::lock_guard lock(guards_reached_);
  reached_.insert(to->id());
}

bool admission::reaches(caf::actor_id id) const {
  const std::lock_guard lock(guards_reached_);
  return reached_.contains(id);
}

std::shared_ptr<admission> admission_book::enter(const core::session_ticket& ticket,
                                                 principal whose) {
  auto fresh = std::make_shared<admission>(std::move(whose));
  const std::lock_guard lock(guards_entries_);
  std::erase_if(entries_, [](const auto& each) { return each.second.expired(); });
  entries_.emplace_back(ticket, fresh);
  return fresh;
}

std::shared_ptr<admission> admission_book::find(const core::session_ticket& ticket) const {
  if (ticket.empty())
    return nullptr;
  std::shared_ptr<admission> out;
  const std::lock_guard lock(guards_entries_);
  for (const auto& [own, held] : entries_)
    if (own == ticket)
      out = held.lock();
  return out;
}

std::shared_ptr<admission> find_as(io::node_role role, const admission_book& book,
                                   const core::session_ticket& ticket) {
  auto found = book.find(ticket);
  return found && found->whose().who.role == role ? found : nullptr;
}

core::error not_admitted(io::node_role role) {
  return {.code = core::errc::permission_denied,
          .message =
              fmt::format("the message bears no ticket of a connection that a {} has to this "
                          "node: connect anew",
                          io::to_string(role)),
          .origin = "session"};
}

} // namespace maze::actors
