#include "maze/core/offer_bits.hpp"

namespace maze::core {

std::uint64_t offer_bits::of_variables(const std::vector<std::string>& names) {
  std::uint64_t out = 0;
  for (const std::string& name : names) {
    const auto next = std::uint64_t{1} << (first_variable + variables_.size());
    if (next != others)
      variables_.try_emplace(name, next);
    out |= bit_of(name);
  }
  return out;
}

sandbox_offer offer_bits::missing(const sandbox_offer& asked, std::uint64_t there) const {
  sandbox_offer out{.sealed = asked.sealed && (there & sealed) == 0,
                    .cpu_shares = asked.cpu_shares && (there & cpu_shares) == 0,
                    .container = asked.container && (there & container) == 0};
  out.permissions =
      asked.permissions.without({static_cast<std::uint8_t>(there >> first_permission)});
  for (const std::string& variable : asked.variables)
    if ((there & bit_of(variable)) == 0)
      out.variables.push_back(variable);
  return out;
}

std::uint64_t offer_bits::bit_of(const std::string& variable) const {
  const auto known = variables_.find(variable);
  return known == variables_.end() ? others : known->second;
}

} // namespace maze::core
