#include "support/attack_table.hpp"

#include "support/attack_rows.hpp"

namespace maze::test {

std::span<const attack_row> attack_table() {
  static const std::vector<attack_row> all = [] {
    auto out = attack_rows::designed();
    const auto more = attack_rows::ours();
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

} // namespace maze::test
