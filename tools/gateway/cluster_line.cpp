#include "gateway/cluster_line.hpp"

namespace maze::gateway {

core::result<std::shared_ptr<cluster_line::link>> cluster_line::get() {
  const std::lock_guard hold(guard_);
  if (current_)
    return current_;
  auto address = node::find_address(values_);
  if (!address)
    return core::fail(address.error());
  auto session = node::open_session(*address);
  if (!session)
    return core::fail(session.error());
  current_ = std::make_shared<link>(link{std::move(*address), std::move(*session)});
  return current_;
}

void cluster_line::drop(const std::shared_ptr<link>& broken) {
  std::shared_ptr<link> ends;
  const std::lock_guard hold(guard_);
  if (current_ == broken)
    ends = std::exchange(current_, nullptr);
}

} // namespace maze::gateway
