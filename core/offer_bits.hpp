#pragma once

#include "maze/core/sandbox_spec.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace maze::core {

/// Sets of what sandboxes need and nodes offer, as bits: a node serves a task whose bits are all among its own.
///
/// A variable gets a bit when it is first named. Once no bit is free, all further ones share the last, so that a node may seem
/// to offer one of them that it does not, and never the other way round: it refuses the attempt then.
class offer_bits {
public:
  std::uint64_t of(const sandbox_offer& offer) {
    const std::uint64_t out = (offer.sealed ? sealed : 0) | (offer.cpu_shares ? cpu_shares : 0)
                              | (offer.container ? container : 0)
                              | std::uint64_t{offer.permissions.bits} << first_permission;
    // Most name none.
    return offer.variables.empty() ? out : out | of_variables(offer.variables);
  }
  /// What of `asked` is not among `there`. @pre `of` has seen it
  [[nodiscard]] sandbox_offer missing(const sandbox_offer& asked, std::uint64_t there) const;

private:
  static constexpr std::uint64_t sealed = 1;
  static constexpr std::uint64_t cpu_shares = 2;
  static constexpr std::uint64_t container = 4;
  /// Permissions take eight bits, in their own order.
  static constexpr unsigned first_permission = 3;
  static constexpr std::size_t first_variable = 11;
  /// Of all variables that have no bit of their own.
  static constexpr std::uint64_t others = std::uint64_t{1} << 63;

  std::uint64_t of_variables(const std::vector<std::string>& names);
  [[nodiscard]] std::uint64_t bit_of(const std::string& variable) const;

  std::map<std::string, std::uint64_t, std::less<>> variables_;
};

} // namespace maze::core
