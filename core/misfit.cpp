#include "maze/core/misfit.hpp"

#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze {

namespace {

/// A longer place would bury what is wrong there.
constexpr std::size_t place_max = 512;
constexpr std::size_t key_columns = 48;

} // namespace

misfit::misfit(std::string why, core::errc code) : why_(std::move(why)), text_(why_), code_(code) {}

void misfit::inside(std::size_t index) {
  if (place_.size() < place_max)
    place_ = fmt::format("[{}]{}", index, place_);
  renew();
}

void misfit::inside(std::string_view key) {
  if (place_.size() < place_max)
    place_ = fmt::format(".{}{}", core::fit(core::printable(key), key_columns), place_);
  renew();
}

void misfit::renew() { text_ = place_ + ": " + why_; }

} // namespace maze
