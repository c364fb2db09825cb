#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace maze::actors {

namespace detail {

template <class Signature>
struct signature_to_clause;

template <class Result, class... Args>
struct signature_to_clause<Result(Args...)> {
  using type = typename caf::replies_to<Args...>::template with<Result>;
};

template <class... Args>
struct signature_to_clause<void(Args...)> {
  using type = caf::reacts_to<Args...>;
};

} // namespace detail

/// A typed actor handle whose messages read like a list of functions:
/// `interface<core::run_id(submit_run), void(cancel_run)>`.
template <class... Signatures>
using interface = caf::typed_actor<typename detail::signature_to_clause<Signatures>::type...>;

/// Somebody who only wants to hear of one kind of event.
template <class Event>
using listener_actor = interface<void(Event)>;

} // namespace maze::actors
